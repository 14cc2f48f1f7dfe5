/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packed virtqueues [VIRTIO 1.2 2.8]: one ring of descriptors that the driver makes available and
 * the device overwrites when it has used them, and two words to suppress notifications with. Which
 * turn of the ring a descriptor belongs to is told by two of its flags and a wrap counter.
 */
#include "devices/virtio/format.h"

#include <errno.h>

#define AVAIL ((uint16_t)1 << VRING_PACKED_DESC_F_AVAIL)
#define USED  ((uint16_t)1 << VRING_PACKED_DESC_F_USED)

/* An event suppression structure as one word, so that it is read and written at once. */
#define EVENT_FLAGS(word)           ((word) >> 16 & 3)
#define EVENT_WORD(off_wrap, flags) ((uint32_t)(flags) << 16 | (off_wrap))
#define OFF_WRAP(offset, wrap)      ((uint16_t)((offset) | (wrap) << VRING_PACKED_EVENT_F_WRAP_CTR))

static struct vring_packed_desc *desc_of(const struct virtq *q, unsigned at)
{
	return (struct vring_packed_desc *)(void *)(q->desc + (size_t)at * VIRTQ_DESC_SIZE);
}

static bool available(const struct virtq *q, uint16_t flags)
{
	return !!(flags & AVAIL) == q->avail_wrap && !!(flags & USED) != q->avail_wrap;
}

/* The flags of the next descriptor. The acquire makes the rest of its chain visible. */
static uint16_t next_flags(const struct virtq *q)
{
	return __atomic_load_n(&desc_of(q, q->next_avail)->flags, __ATOMIC_ACQUIRE);
}

static bool packed_pending(const struct virtq *q)
{
	return available(q, next_flags(q));
}

/* Moves AT by N entries, at most once around. */
static void advance(const struct virtq *q, uint16_t *at, bool *wrap, unsigned n)
{
	unsigned to = *at + n;

	if (to >= q->size) {
		to -= q->size;
		*wrap = !*wrap;
	}
	*at = (uint16_t)to;
}

/* Of the descriptors in an indirect table only one flag means anything [VIRTIO 1.2 2.8.7]. */
static int add_indirect(
	const struct virtq *q, struct virtq_chain *c, const struct vring_packed_desc *d)
{
	const uint8_t *table;
	unsigned entries = 0;
	int ret = virtq_indirect_table(q, d->addr, d->len, &table, &entries);

	for (unsigned i = 0; i < entries && !ret; i++) {
		struct vring_packed_desc e;

		copy_once(&e, table + (size_t)i * VIRTQ_DESC_SIZE, sizeof(e));
		ret = virtq_chain_add(q, c, e.addr, e.len, e.flags);
	}
	return ret;
}

static int packed_pop(struct virtq *q, struct virtq_chain *c)
{
	unsigned room = q->size - q->in_flight; /* what the driver has not given us before */
	uint16_t at = q->next_avail, flags = next_flags(q);
	bool wrap = q->avail_wrap;
	int ret;

	if (!available(q, flags))
		return -EAGAIN;
	for (unsigned n = 1; n <= room; n++) {
		struct vring_packed_desc d;

		copy_once(&d, desc_of(q, at), sizeof(d));
		/* Those of the first one are the ones that we have looked at. */
		if (n > 1)
			flags = d.flags;
		advance(q, &at, &wrap, 1);
		if (!(flags & VRING_DESC_F_INDIRECT))
			ret = virtq_chain_add(q, c, d.addr, d.len, flags);
		else if (n > 1 || flags & VRING_DESC_F_NEXT)
			ret = -EBADMSG; /* not in a list [VIRTIO 1.2 2.8.19] */
		else
			ret = add_indirect(q, c, &d);
		if (ret)
			return ret;
		if (!(flags & VRING_DESC_F_NEXT)) {
			c->id = d.id;
			c->slots = (uint16_t)n;
			q->next_avail = at;
			q->avail_wrap = wrap;
			return 0;
		}
	}
	return -EBADMSG;
}

static void packed_unpop(struct virtq *q, const struct virtq_chain *c)
{
	if (q->next_avail < c->slots) {
		q->next_avail = (uint16_t)(q->next_avail + q->size);
		q->avail_wrap = !q->avail_wrap;
	}
	q->next_avail = (uint16_t)(q->next_avail - c->slots);
}

/* Writes a used descriptor at the queue's place, and moves that on. Its flags, to be written. */
static uint16_t write_used(struct virtq *q, const struct virtq_used *used)
{
	struct vring_packed_desc *d = desc_of(q, q->next_used);
	uint16_t flags = q->used_wrap ? AVAIL | USED : 0;

	__atomic_store_n(&d->id, used->id, __ATOMIC_RELAXED);
	__atomic_store_n(&d->len, used->written, __ATOMIC_RELAXED);
	advance(q, &q->next_used, &q->used_wrap, used->slots);
	return used->written ? flags | VRING_DESC_F_WRITE : flags;
}

/*
 * The driver looks for the first one first: its flags come last. The release makes the rest, and
 * what the device wrote, visible before them.
 */
static void packed_push(struct virtq *q, const struct virtq_used *list, unsigned count)
{
	struct vring_packed_desc *first = desc_of(q, q->next_used);
	uint16_t first_flags = 0;

	for (unsigned i = 0; i < count; i++) {
		struct vring_packed_desc *d = desc_of(q, q->next_used);
		uint16_t flags = write_used(q, &list[i]);

		if (i)
			__atomic_store_n(&d->flags, flags, __ATOMIC_RELAXED);
		else
			first_flags = flags;
	}
	if (count)
		__atomic_store_n(&first->flags, first_flags, __ATOMIC_RELEASE);
}

static bool packed_interrupt_needed(const struct virtq *q, uint16_t n)
{
	uint32_t word =
		__atomic_load_n((const uint32_t *)(const void *)q->driver, __ATOMIC_RELAXED);
	uint16_t event = word & 0x7FFF;
	bool wrap = word >> VRING_PACKED_EVENT_F_WRAP_CTR & 1;

	if (!q->event_idx || EVENT_FLAGS(word) != VRING_PACKED_EVENT_FLAG_DESC)
		return EVENT_FLAGS(word) != VRING_PACKED_EVENT_FLAG_DISABLE;
	/* On a line on which next_used is the present: the turn before this one is below 0. */
	if (wrap != q->used_wrap)
		event = (uint16_t)(event - q->size);
	return vring_need_event(event, q->next_used, (uint16_t)(q->next_used - n));
}

static void event_set(struct virtq *q, uint16_t off_wrap, unsigned flags)
{
	__atomic_store_n(
		(uint32_t *)(void *)q->device, EVENT_WORD(off_wrap, flags), __ATOMIC_RELAXED);
}

static void packed_kicks_stop(struct virtq *q)
{
	event_set(q, 0, VRING_PACKED_EVENT_FLAG_DISABLE);
}

static void packed_kicks_start(struct virtq *q)
{
	if (q->event_idx)
		event_set(q, OFF_WRAP(q->next_avail, q->avail_wrap), VRING_PACKED_EVENT_FLAG_DESC);
	else
		event_set(q, 0, VRING_PACKED_EVENT_FLAG_ENABLE);
}

const struct virtq_format virtq_packed = {
	.driver_size = sizeof(struct vring_packed_desc_event),
	.device_size = sizeof(struct vring_packed_desc_event),
	.driver_align = 4,
	.device_align = 4,
	.pop = packed_pop,
	.unpop = packed_unpop,
	.push = packed_push,
	.interrupt_needed = packed_interrupt_needed,
	.kicks_stop = packed_kicks_stop,
	.kicks_start = packed_kicks_start,
	.pending = packed_pending,
};
