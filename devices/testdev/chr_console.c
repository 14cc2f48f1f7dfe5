/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtio console [VIRTIO 1.2 5.3] over legacy MMIO [4.2.4], which is what kvm-unit-tests drive on
 * arm64; devices/virtio/ has the modern interface alone. What is written to it is chr-testdev's: a
 * number and the letter q end the partition. It has no input, no features, and one port.
 *
 * A request is done on the vCPU thread that notifies: it is a few bytes. A queue that is not as it
 * must be is left alone.
 */
#include "devices/testdev/chr_console.h"

#include "devices/common.h"
#include "devices/testdev/chr_testdev.h"
#include "lib/util.h"
#include "vmm/layout_arm64.h"

#include <endian.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <pthread.h>

#define MAGIC      0x74726976 /* "virt" */
#define VERSION    1          /* legacy */
#define VENDOR_ID  0x44484B42 /* "BKHD" */
#define CONSOLE_ID 3

#define SIZE      0x200
#define QUEUES    2
#define QUEUE_MAX 64
#define QUEUE_TX  1

/* Looked at of one buffer; more is no number. */
#define BUFFER_MAX 256

struct queue {
	uint32_t num, align, pfn;
	uint16_t next; /* request, of the avail ring's free-running index */
};

struct chr_console {
	struct device dev;
	pthread_mutex_t lock; /* guards what follows */
	struct chr_testdev testdev;
	struct queue queues[QUEUES];
	uint32_t page_size, selected, status, interrupts;
};

static struct chr_console *to_console(struct device *dev)
{
	return container_of(dev, struct chr_console, dev);
}

static void set_interrupts(struct chr_console *c, uint32_t interrupts)
{
	const struct machine_services *services = &c->dev.machine->services;

	if (!interrupts != !c->interrupts)
		services->irq_set(services->ctx, ARM64_SPI_VIRTIO + ARM64_CHR_TESTDEV, interrupts);
	c->interrupts = interrupts;
}

/* ---- the queue [2.7], little-endian as the guest's own numbers are ---- */

/* Where its parts are [2.7.2]. */
static gpa_t table_of(const struct chr_console *c, const struct queue *q)
{
	return (gpa_t)q->pfn * c->page_size;
}

static gpa_t avail_of(const struct chr_console *c, const struct queue *q)
{
	return table_of(c, q) + (gpa_t)q->num * sizeof(struct vring_desc);
}

static gpa_t used_of(const struct chr_console *c, const struct queue *q)
{
	/* flags, index, entries, the event's */
	return align_up(avail_of(c, q) + 2 * (3 + (gpa_t)q->num), q->align);
}

static bool queue_ready(const struct queue *q)
{
	return q->pfn && q->num && q->num <= QUEUE_MAX && !(q->num & (q->num - 1)) && q->align &&
	       !(q->align & (q->align - 1));
}

static bool take_buffer(struct chr_console *c, const struct vring_desc *desc)
{
	uint32_t size = (uint32_t)min_u64(le32toh(desc->len), BUFFER_MAX);
	uint8_t bytes[BUFFER_MAX];

	if (gmem_read(&c->dev.machine->gmem, le64toh(desc->addr), bytes, size))
		return false;
	for (uint32_t i = 0; i < size; i++)
		chr_testdev_take(&c->testdev, bytes[i], &c->dev.machine->services);
	return true;
}

/* The chain that begins at HEAD; a loop ends after as many descriptors as there are. */
static bool take_chain(struct chr_console *c, const struct queue *q, uint16_t head)
{
	uint16_t at = head;

	for (uint32_t n = 0; n < q->num; n++) {
		struct vring_desc desc;

		if (at >= q->num ||
			gmem_read(&c->dev.machine->gmem, table_of(c, q) + (gpa_t)at * sizeof(desc),
				&desc, sizeof(desc)))
			return false;
		if (!(le16toh(desc.flags) & VRING_DESC_F_WRITE) && !take_buffer(c, &desc))
			return false;
		if (!(le16toh(desc.flags) & VRING_DESC_F_NEXT))
			return true;
		at = le16toh(desc.next);
	}
	return false;
}

static bool put_used(struct chr_console *c, const struct queue *q, uint16_t head)
{
	struct gmem *g = &c->dev.machine->gmem;
	const struct vring_used_elem elem = {.id = htole32(head)};
	const gpa_t used = used_of(c, q);
	uint16_t index = htole16((uint16_t)(q->next + 1));

	if (gmem_write(g, used + 4 + (gpa_t)(q->next % q->num) * sizeof(elem), &elem, sizeof(elem)))
		return false;
	/* The entry is there before the index says so. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return !gmem_write(g, used + 2, &index, sizeof(index));
}

/* All that the driver has made available by now. */
static void run_queue(struct chr_console *c, struct queue *q)
{
	const struct gmem *g = &c->dev.machine->gmem;
	uint16_t header[2], head; /* flags and index */
	bool done = false;

	if (!queue_ready(q) || gmem_read(g, avail_of(c, q), header, sizeof(header)))
		return;
	/* What the index counts is there when it says so. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	for (uint32_t n = 0; n < q->num && q->next != le16toh(header[1]); n++) {
		gpa_t at = avail_of(c, q) + 4 + 2 * (gpa_t)(q->next % q->num);

		if (gmem_read(g, at, &head, sizeof(head)) || !take_chain(c, q, le16toh(head)) ||
			!put_used(c, q, le16toh(head)))
			break;
		q->next++;
		done = true;
	}
	if (done && !(le16toh(header[0]) & VRING_AVAIL_F_NO_INTERRUPT))
		set_interrupts(c, c->interrupts | VIRTIO_MMIO_INT_VRING);
}

/* ---- registers ---- */

static struct queue *selected(struct chr_console *c)
{
	return c->selected < QUEUES ? &c->queues[c->selected] : NULL;
}

static uint32_t reg_read(struct device *dev, uint64_t offset)
{
	struct chr_console *c = to_console(dev);
	const struct queue *q = selected(c);

	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MAGIC;
	case VIRTIO_MMIO_VERSION:
		return VERSION;
	case VIRTIO_MMIO_DEVICE_ID:
		return CONSOLE_ID;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR_ID;
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return q ? QUEUE_MAX : 0;
	case VIRTIO_MMIO_QUEUE_PFN:
		return q ? q->pfn : 0;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return c->interrupts;
	case VIRTIO_MMIO_STATUS:
		return c->status;
	}
	return 0; /* no features; a configuration of zeros */
}

static void reset(struct chr_console *c)
{
	for (unsigned i = 0; i < QUEUES; i++)
		c->queues[i] = (struct queue){0};
	c->testdev = (struct chr_testdev){0};
	c->selected = c->status = 0;
	set_interrupts(c, 0);
}

static void queue_write(struct queue *q, uint64_t offset, uint32_t value)
{
	if (offset == VIRTIO_MMIO_QUEUE_NUM)
		q->num = value;
	if (offset == VIRTIO_MMIO_QUEUE_ALIGN)
		q->align = value;
	if (offset == VIRTIO_MMIO_QUEUE_PFN) {
		q->pfn = value;
		q->next = 0;
	}
}

static void reg_write(struct device *dev, uint64_t offset, uint32_t value)
{
	struct chr_console *c = to_console(dev);

	switch (offset) {
	case VIRTIO_MMIO_GUEST_PAGE_SIZE:
		c->page_size = value;
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		c->selected = value;
		break;
	case VIRTIO_MMIO_QUEUE_NUM:
	case VIRTIO_MMIO_QUEUE_ALIGN:
	case VIRTIO_MMIO_QUEUE_PFN:
		if (selected(c))
			queue_write(selected(c), offset, value);
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		if (value == QUEUE_TX)
			run_queue(c, &c->queues[QUEUE_TX]);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		set_interrupts(c, c->interrupts & ~value);
		break;
	case VIRTIO_MMIO_STATUS:
		if (value)
			c->status = value & 0xFF;
		else
			reset(c);
		break;
	}
}

static uint64_t console_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	uint64_t value;

	(void)index;
	pthread_mutex_lock(&to_console(dev)->lock);
	value = wordwise_read(dev, offset, size, reg_read);
	pthread_mutex_unlock(&to_console(dev)->lock);
	return value;
}

static void console_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	(void)index;
	pthread_mutex_lock(&to_console(dev)->lock);
	wordwise_write(dev, offset, size, value, reg_write);
	pthread_mutex_unlock(&to_console(dev)->lock);
}

static void console_destroy(struct device *dev)
{
	pthread_mutex_destroy(&to_console(dev)->lock);
	device_free(dev);
}

static const struct device_class console_class = {
	.name = "chr_console",
	.fdt_compatible = "virtio,mmio",
	.read = console_read,
	.write = console_write,
	.destroy = console_destroy,
};

int chr_console_create(struct machine *m)
{
	struct device *dev;
	int ret = device_create(m, &console_class, "CHRT", sizeof(struct chr_console), &dev);

	if (ret)
		return ret;
	pthread_mutex_init(&to_console(dev)->lock, NULL);
	ret = machine_add_window(
		m, WINDOW_MMIO, ARM64_VIRTIO_BASE + (gpa_t)ARM64_CHR_TESTDEV * SIZE, SIZE, dev, 0);
	return ret ? ret : machine_add_irq(m, dev, ARM64_SPI_VIRTIO + ARM64_CHR_TESTDEV, true);
}
