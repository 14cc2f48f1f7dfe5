/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hostile driver's memory: a queue with its parts in fixed places, and ways to write to them that
 * hit something more often than bytes at random do.
 */
#ifndef TESTS_FUZZ_VIRTIO_GUEST_H
#define TESTS_FUZZ_VIRTIO_GUEST_H

#include "devices/virtio/queue.h"

#include <assert.h>
#include <string.h>

#define RAM_BASE    0x40000000
#define RAM_SIZE    0x10000
#define DESC_AT     0x0000
#define DRIVER_AT   0x1000
#define DEVICE_AT   0x2000
#define INDIRECT_AT 0x3000 /* where addresses and tables go by preference */

/* One step of an input: what to do, and with what. */
struct step {
	uint8_t what, index;
	uint16_t flags;  /* of a descriptor; or a value */
	uint16_t offset; /* of its memory; or where to write */
	uint16_t len;
};

static uint8_t guest_ram[RAM_SIZE] __attribute__((aligned(4096)));

struct guest {
	bool packed;
	uint16_t size, avail; /* entries, and the next to be made available */
	bool wrap;
};

static inline void guest_init(struct guest *g, bool packed, uint16_t size)
{
	memset(guest_ram, 0, sizeof(guest_ram));
	*g = (struct guest){.packed = packed, .size = size, .wrap = true};
}

static inline void guest_put(unsigned offset, const void *data, unsigned size)
{
	offset %= RAM_SIZE - size + 1;
	memcpy(guest_ram + offset, data, size);
}

/* Most addresses are in memory, or end there; some are anywhere. */
static inline uint64_t guest_address(const struct step *s)
{
	uint64_t wild = (uint64_t)s->offset << 48 | (uint64_t)s->len << 16 | s->index;

	return s->what & 0x80 ? wild : (uint64_t)RAM_BASE + s->offset;
}

static inline void guest_write_desc(const struct guest *g, const struct step *s, unsigned table)
{
	uint32_t len = s->what & 0x40 ? s->len * 65537u : s->len & 0x3FF;
	unsigned at = table + s->index * 16u;

	if (g->packed) {
		const struct vring_packed_desc d = {
			.addr = guest_address(s), .len = len, .id = s->index, .flags = s->flags};
		guest_put(at, &d, sizeof(d));
	} else {
		const struct vring_desc d = {.addr = guest_address(s),
			.len = len,
			.flags = s->flags & 7,
			.next = s->flags >> 8};
		guest_put(at, &d, sizeof(d));
	}
}

/* One request, as drivers make them: the descriptor at INDEX (split), the next one (packed). */
static inline void guest_offer(struct guest *g, const struct step *s)
{
	struct vring_avail *avail = (void *)(guest_ram + DRIVER_AT);
	struct vring_packed_desc *d = (void *)(guest_ram + DESC_AT);

	if (!g->packed) {
		avail->ring[g->avail++ % g->size] = s->index;
		avail->idx = g->avail;
		return;
	}
	d[g->avail].flags = (uint16_t)((s->flags & 7) | (g->wrap ? 0x0080 : 0x8000));
	if (++g->avail >= g->size) {
		g->avail = 0;
		g->wrap = !g->wrap;
	}
}

/* What any driver can do to memory. */
static inline void guest_step(struct guest *g, const struct step *s)
{
	switch (s->what & 3) {
	case 0:
		guest_write_desc(g, s, DESC_AT);
		break;
	case 1:
		guest_write_desc(g, s, INDIRECT_AT);
		break;
	case 2:
		guest_offer(g, s);
		break;
	case 3: /* anything anywhere, mostly in the driver's area */
		guest_put(s->what & 0x40 ? s->offset : DRIVER_AT + s->index * 2u, &s->flags, 2);
		break;
	}
}

#endif
