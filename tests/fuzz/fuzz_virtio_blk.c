/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The block device behind MMIO registers, whose driver writes anything to them and to memory,
 * while the I/O thread works. Eight bytes are a step; one of them sets the device up as a driver
 * that keeps the rules does, so that inputs need not find that out, another makes a request that is
 * none of the worst. The disk is a file in memory, on io_uring or on threads as the first byte
 * says.
 */
#include "devices/virtio/blk.h"
#include "tests/fuzz/virtio_world.h"

#include <linux/virtio_blk.h>
#include <sys/mman.h>
#include <unistd.h>

#define DISK_SIZE 65536
#define QUEUES    2

/* Where requests have their parts. */
#define HEADERS_AT 0x8000

static int disk_fd;

static void set_up(const struct step *s)
{
	uint32_t offered = (uint32_t)in(VIRTIO_MMIO_DEVICE_FEATURES, 4) & 0xFFFFFF;

	world_queue(0, world_negotiate(s, offered & ~(uint32_t)(s->flags << 9)));
	world_live();
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
	if (!(s->what & 8))
		guest_step(&guest, s);
	else if ((s->what & 7) == 0)
		set_up(s);
	else if ((s->what & 7) == 1)
		request(s);
	else if ((s->what & 7) == 2)
		world_notify(0);
	else
		world_access(s);
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
	struct virtio_device *v;

	if (virtio_blk_create(&m, &blk, &v))
		abort();
	world_add(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step s;

	if (!size)
		return 0;
	if (!loop) {
		disk_fd = memfd_create("disk", MFD_CLOEXEC);
		if (disk_fd < 0 || ftruncate(disk_fd, DISK_SIZE))
			abort();
	}
	world_init();
	make_device(*data++);
	for (size--; size >= sizeof(s); data += sizeof(s), size -= sizeof(s)) {
		memcpy(&s, data, sizeof(s));
		step(&s);
	}
	machine_fini(&m);
	return 0;
}
