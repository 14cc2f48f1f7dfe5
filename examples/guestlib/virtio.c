/* SPDX-License-Identifier: BSD-3-Clause */
#include "virtio.h"

#include "mmio.h"
#include "pci.h"

#define VENDOR       0x1AF4
#define FIRST_DEVICE 0x1040
#define CAPS_MAX     48

/* Of a capability, which says where registers are. */
#define CAP_TYPE       3
#define CAP_BAR        4
#define CAP_OFFSET     8
#define CAP_MULTIPLIER 16
enum { TYPE_COMMON = 1, TYPE_NOTIFY, TYPE_ISR, TYPE_DEVICE };

/* Common registers. */
#define DEVICE_SELECT 0x00
#define DEVICE_BITS   0x04
#define DRIVER_SELECT 0x08
#define DRIVER_BITS   0x0C
#define STATUS        0x14
#define QUEUE_SELECT  0x16
#define QUEUE_SIZE    0x18
#define QUEUE_VECTOR  0x1A
#define QUEUE_ENABLE  0x1C
#define QUEUE_NOTIFY  0x1E
#define QUEUE_DESC    0x20
#define QUEUE_DRIVER  0x28
#define QUEUE_DEVICE  0x30

#define ACKNOWLEDGE 1
#define DRIVER      2
#define DRIVER_OK   4
#define FEATURES_OK 8

#define DESC_NEXT  1
#define DESC_WRITE 2
#define DESC_AVAIL 0x0080
#define DESC_USED  0x8000

/* What the device sees is in this order. */
static void fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* The capability of this type; 0: there is none. */
static unsigned find_cap(unsigned devfn, unsigned type)
{
	unsigned at = pci_read8(devfn, PCI_CAPABILITIES) & 0xFC;

	for (unsigned i = 0; at && i < CAPS_MAX; i++) {
		if (pci_read8(devfn, at) == PCI_CAP_VENDOR &&
			pci_read8(devfn, at + CAP_TYPE) == type)
			return at;
		at = pci_read8(devfn, at + 1) & 0xFC;
	}
	return 0;
}

static uint64_t place_of(unsigned devfn, unsigned cap)
{
	return pci_enable_bar(devfn, pci_read8(devfn, cap + CAP_BAR)) +
	       pci_read32(devfn, cap + CAP_OFFSET);
}

static bool find(struct virtio *d, unsigned id)
{
	int devfn = pci_find(VENDOR, (uint16_t)(FIRST_DEVICE + id), 0);
	unsigned notify, device;

	if (devfn < 0)
		return false;
	d->devfn = (unsigned)devfn;
	notify = find_cap(d->devfn, TYPE_NOTIFY);
	device = find_cap(d->devfn, TYPE_DEVICE);
	if (!find_cap(d->devfn, TYPE_COMMON) || !notify)
		return false;
	d->common = place_of(d->devfn, find_cap(d->devfn, TYPE_COMMON));
	d->config = device ? place_of(d->devfn, device) : 0;
	mmio_write16(d->common + QUEUE_SELECT, 0);
	d->doorbell =
		place_of(d->devfn, notify) + (uint64_t)mmio_read16(d->common + QUEUE_NOTIFY) *
						     pci_read32(d->devfn, notify + CAP_MULTIPLIER);
	return true;
}

static uint64_t offered(const struct virtio *d)
{
	uint64_t bits;

	mmio_write32(d->common + DEVICE_SELECT, 1);
	bits = (uint64_t)mmio_read32(d->common + DEVICE_BITS) << 32;
	mmio_write32(d->common + DEVICE_SELECT, 0);
	return bits | mmio_read32(d->common + DEVICE_BITS);
}

static void set_address(const struct virtio *d, unsigned reg, const void *address)
{
	mmio_write32(d->common + reg, (uint32_t)(uint64_t)address);
	mmio_write32(d->common + reg + 4, (uint32_t)((uint64_t)address >> 32));
}

bool virtio_start(struct virtio *d, unsigned id, uint64_t features, void (*handler)(void))
{
	*d = (struct virtio){.wrap = true};
	if (!find(d, id))
		return false;
	mmio_write8(d->common + STATUS, 0);
	while (virtio_status(d))
		;
	mmio_write8(d->common + STATUS, ACKNOWLEDGE | DRIVER);
	d->features = offered(d) & (features | VIRTIO_F_VERSION_1);
	d->packed = d->features & VIRTIO_F_RING_PACKED;
	mmio_write32(d->common + DRIVER_SELECT, 0);
	mmio_write32(d->common + DRIVER_BITS, (uint32_t)d->features);
	mmio_write32(d->common + DRIVER_SELECT, 1);
	mmio_write32(d->common + DRIVER_BITS, (uint32_t)(d->features >> 32));
	mmio_write8(d->common + STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	if (!(virtio_status(d) & FEATURES_OK) || !pci_msix_set(d->devfn, 0, handler))
		return false;
	mmio_write16(d->common + QUEUE_SELECT, 0);
	mmio_write16(d->common + QUEUE_SIZE, VIRTIO_QUEUE_SIZE);
	mmio_write16(d->common + QUEUE_VECTOR, 0);
	set_address(d, QUEUE_DESC, d->queue.ring);
	set_address(d, QUEUE_DRIVER, &d->queue.driver);
	set_address(d, QUEUE_DEVICE, &d->queue.device);
	mmio_write16(d->common + QUEUE_ENABLE, 1);
	mmio_write8(d->common + STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
	return !(virtio_status(d) & VIRTIO_STATUS_NEEDS_RESET);
}

static void request_split(struct virtio *d, const struct virtio_buffer *b, unsigned count)
{
	struct virtio_queue *q = &d->queue;

	for (unsigned i = 0; i < count; i++) {
		unsigned flags = (b[i].write ? DESC_WRITE : 0) | (i + 1 < count ? DESC_NEXT : 0);

		q->ring[i] = (struct virtio_descriptor){
			(uint64_t)b[i].data, b[i].size, {(uint16_t)flags, (uint16_t)(i + 1)}};
	}
	q->driver.ring[d->next++ % VIRTIO_QUEUE_SIZE] = 0;
	fence();
	*(volatile uint16_t *)&q->driver.index = d->next;
}

/* The first descriptor's flags are what makes the chain the device's: they come last. */
static void request_packed(struct virtio *d, const struct virtio_buffer *b, unsigned count)
{
	volatile uint16_t *first = &d->queue.ring[d->next].words[1];
	uint16_t first_flags = 0;

	for (unsigned i = 0; i < count; i++) {
		struct virtio_descriptor *to = &d->queue.ring[d->next];
		unsigned flags = (b[i].write ? DESC_WRITE : 0) | (i + 1 < count ? DESC_NEXT : 0) |
				 (d->wrap ? DESC_AVAIL : DESC_USED);

		to->address = (uint64_t)b[i].data;
		to->size = b[i].size;
		to->words[0] = 0;
		if (i)
			to->words[1] = (uint16_t)flags;
		else
			first_flags = (uint16_t)flags;
		if (++d->next == VIRTIO_QUEUE_SIZE) {
			d->next = 0;
			d->wrap = !d->wrap;
		}
	}
	fence();
	*first = first_flags;
}

void virtio_request(struct virtio *d, const struct virtio_buffer *buffers, unsigned count)
{
	if (count > VIRTIO_QUEUE_SIZE)
		panic("virtio: %u buffers", count);
	d->added = (uint16_t)count;
	if (d->packed)
		request_packed(d, buffers, count);
	else
		request_split(d, buffers, count);
	fence();
	mmio_write16(d->doorbell, 0);
}

/* Packed: used when both bits are what the driver's wrap counter was there. */
static bool done_packed(struct virtio *d, uint32_t *ret_size)
{
	const volatile struct virtio_descriptor *at = &d->queue.ring[d->used];
	bool wrapped = d->used + d->added >= VIRTIO_QUEUE_SIZE;
	bool wrap = wrapped ? !d->wrap : d->wrap;
	uint16_t both = at->words[1] & (DESC_AVAIL | DESC_USED);

	if (both != (wrap ? DESC_AVAIL | DESC_USED : 0))
		return false;
	fence();
	*ret_size = at->size;
	d->used = (uint16_t)((d->used + d->added) % VIRTIO_QUEUE_SIZE);
	return true;
}

bool virtio_done(struct virtio *d, uint32_t *ret_size)
{
	struct virtio_queue *q = &d->queue;

	if (d->packed)
		return done_packed(d, ret_size);
	if (*(volatile uint16_t *)&q->device.index == d->used)
		return false;
	fence();
	*ret_size = q->device.ring[d->used++ % VIRTIO_QUEUE_SIZE].size;
	return true;
}

uint8_t virtio_status(const struct virtio *d)
{
	return mmio_read8(d->common + STATUS);
}
