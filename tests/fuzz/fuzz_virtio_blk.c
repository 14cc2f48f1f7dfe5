/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The block device behind MMIO registers, whose driver writes anything to them and to memory,
 * while the I/O thread works. Eight bytes are a step; one of them sets the device up as a driver
 * that keeps the rules does, so that inputs need not find that out, another makes a request that is
 * none of the worst. The disk is a file in memory, on io_uring or on threads as the first byte
 * says.
 */
#include "devices/virtio/blk.h"
#include "devices/virtio/mmio.h"
#include "tests/fuzz/virtio_guest.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define BASE 0x0A000000
#define GSI  16

#define DISK_SIZE 65536
#define QUEUES    2

/* Where requests have their parts. */
#define HEADERS_AT 0x8000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct machine m;
static struct guest guest;
static struct loop *loop;
static struct loop_timer stop;
static int disk_fd;
static bool line;

static void irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	assert(ctx == &m && gsi == GSI && asserted != line);
	line = asserted;
}

static int doorbell_set(void *ctx, unsigned index, const struct machine_doorbell_place *place)
{
	assert(ctx == &m && index < m.doorbell_count);
	assert(!place || place->address == BASE + VIRTIO_MMIO_QUEUE_NOTIFY);
	return 0;
}

static void out(unsigned reg, unsigned size, uint64_t value)
{
	if (!machine_write(&m, WINDOW_MMIO, BASE + reg, size, value))
		abort();
}

static uint64_t in(unsigned reg, unsigned size)
{
	uint64_t value = 0;

	if (!machine_read(&m, WINDOW_MMIO, BASE + reg, size, &value))
		abort();
	assert(size == 8 || !(value >> 8 * size));
	return value;
}

static void stop_loop(struct loop_timer *t)
{
	loop_stop(t->loop);
}

static void run(void)
{
	loop_timer_start(&stop, 1);
	if (loop_run(loop))
		abort();
}

static void set_up(const struct step *s)
{
	static const struct {
		unsigned reg;
		uint32_t value;
	} areas[] = {{VIRTIO_MMIO_QUEUE_DESC_LOW, RAM_BASE + DESC_AT},
		{VIRTIO_MMIO_QUEUE_AVAIL_LOW, RAM_BASE + DRIVER_AT},
		{VIRTIO_MMIO_QUEUE_USED_LOW, RAM_BASE + DEVICE_AT}};
	bool packed = s->index & 1;
	uint16_t entries = packed ? s->len % VIRTQ_SIZE_MAX + 1 : 1 << s->len % 9;

	guest_init(&guest, packed, entries);
	out(VIRTIO_MMIO_STATUS, 4, 0);
	/* Requests that the host has are waited for. */
	for (unsigned i = 0; in(VIRTIO_MMIO_STATUS, 4) && i < 100000; i++)
		run();
	assert(!in(VIRTIO_MMIO_STATUS, 4) && !line);
	out(VIRTIO_MMIO_STATUS, 4, 3);
	out(VIRTIO_MMIO_DRIVER_FEATURES, 4,
		(in(VIRTIO_MMIO_DEVICE_FEATURES, 4) & 0xFFFFFF & ~(uint32_t)(s->flags << 9)) |
			(uint32_t)(s->index >> 1 & 3) << 28);
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4, 1);
	out(VIRTIO_MMIO_DRIVER_FEATURES, 4, 1 | packed << 2);
	out(VIRTIO_MMIO_STATUS, 4, 11);
	out(VIRTIO_MMIO_QUEUE_NUM, 4, entries);
	for (unsigned i = 0; i < 3; i++)
		out(areas[i].reg, 4, areas[i].value);
	out(VIRTIO_MMIO_QUEUE_READY, 4, 1);
	out(VIRTIO_MMIO_STATUS, 4, 15);
	assert(in(VIRTIO_MMIO_STATUS, 4) == 15 && in(VIRTIO_MMIO_QUEUE_READY, 4) == 1);
}

/* A chain of three: what drivers offer, with some of it wrong. Of the split ring. */
static void request(const struct step *s)
{
	const struct virtio_blk_outhdr h = {.type = s->flags & 15, .sector = s->offset};
	const struct virtio_blk_discard_write_zeroes range = {
		s->offset & 127, s->len, s->flags >> 4};
	unsigned first = s->index % 80u * 3, at = HEADERS_AT + first * 32u;
	bool out_going = h.type & 1;
	const struct vring_desc d[3] = {
		{RAM_BASE + at, sizeof(h), VRING_DESC_F_NEXT, (uint16_t)(first + 1)},
		{RAM_BASE + at + 16,
			h.type == VIRTIO_BLK_T_DISCARD || h.type == VIRTIO_BLK_T_WRITE_ZEROES ? 16
			: s->what & 0x40 ? s->len
					 : (s->len & 7) * 512u,
			VRING_DESC_F_NEXT | (out_going ? 0 : VRING_DESC_F_WRITE),
			(uint16_t)(first + 2)},
		{RAM_BASE + at + 80, s->what & 0x20 ? 513 : 1, VRING_DESC_F_WRITE, 0}};
	const struct step offer = {.index = (uint8_t)first};

	if (guest.packed)
		return;
	guest_put(at, &h, sizeof(h));
	guest_put(at + 16, &range, sizeof(range));
	for (unsigned i = 0; i < 3; i++)
		guest_put(DESC_AT + (first + i) * 16u, &d[i], sizeof(d[i]));
	guest_offer(&guest, &offer);
}

static void step(const struct step *s)
{
	unsigned bytes = s->what & 0x80 ? 1u << (s->what >> 5 & 3) : 4;
	unsigned reg = s->index * 4u % (VIRTIO_MMIO_SIZE - 8);

	if (!(s->what & 8)) {
		guest_step(&guest, s);
		return;
	}
	switch (s->what & 7) {
	case 0:
		set_up(s);
		break;
	case 1:
		request(s);
		break;
	case 2:
		out(VIRTIO_MMIO_QUEUE_NOTIFY, 4, 0);
		run();
		break;
	case 3:
		out(VIRTIO_MMIO_INTERRUPT_ACK, 4, s->flags);
		break;
	case 4:
		in(reg, bytes);
		break;
	case 5: /* a small value, a large one */
		out(reg, bytes, s->len & 0xFF);
		break;
	case 6:
		out(reg, bytes, (uint64_t)s->flags << 48 | (uint64_t)s->offset << 16 | s->len);
		break;
	case 7:
		run();
		break;
	}
}

static void make_device(uint8_t how)
{
	const struct virtio_blk_setup blk = {.loop = loop,
		.fd = disk_fd,
		.direct_fd = -1,
		.size = DISK_SIZE,
		.readonly = how & 2,
		.discard = !(how & 4),
		.queues = QUEUES,
		.serial = "fuzz",
		.pinned = how & 8,
		.no_uring = how & 1};
	const struct virtio_mmio_config mmio = {.name = "VR00", .base = BASE, .gsi = GSI};
	struct virtio_device *v;

	if (machine_init(&m, GUEST_ARM64, MACHINE_RAM_MIN, 1) ||
		gmem_add(&m.gmem, RAM_BASE, RAM_SIZE, guest_ram) ||
		virtio_blk_create(&m, &blk, &v) || virtio_mmio_create(&m, &mmio, v) ||
		machine_start(&m))
		abort();
	m.services = (struct machine_services){
		.ctx = &m, .irq_set = irq_set, .doorbell_set = doorbell_set};
	guest_init(&guest, false, 1);
	line = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step s;

	if (!loop) {
		disk_fd = memfd_create("disk", MFD_CLOEXEC);
		if (disk_fd < 0 || ftruncate(disk_fd, DISK_SIZE) || loop_create_epoll(&loop) ||
			loop_timer_init(loop, &stop, stop_loop))
			abort();
	}
	if (!size)
		return 0;
	make_device(*data++);
	for (size--; size >= sizeof(s); data += sizeof(s), size -= sizeof(s)) {
		memcpy(&s, data, sizeof(s));
		step(&s);
	}
	machine_fini(&m);
	return 0;
}
