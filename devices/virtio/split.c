/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Split virtqueues [VIRTIO 1.2 2.7]: descriptor table, available ring, used ring. The 16-bit
 * indices of the rings run freely; an entry is found by their remainder.
 */
#include "devices/virtio/format.h"

#include <errno.h>
#include <stddef.h>

static const struct vring_avail *avail_of(const struct virtq *q)
{
	return (const struct vring_avail *)(const void *)q->driver;
}

static struct vring_used *used_of(const struct virtq *q)
{
	return (struct vring_used *)(void *)q->device;
}

/* Behind the entries of the rings: the event indices [VIRTIO 1.2 2.7.6, 2.7.8]. */
static const __virtio16 *used_event_of(const struct virtq *q)
{
	return &avail_of(q)->ring[q->size];
}

static __virtio16 *avail_event_of(const struct virtq *q)
{
	return (__virtio16 *)(void *)&used_of(q)->ring[q->size];
}

/* How many chains wait. The acquire makes the entries that the index covers visible. */
static uint16_t waiting(const struct virtq *q)
{
	return (uint16_t)(__atomic_load_n(&avail_of(q)->idx, __ATOMIC_ACQUIRE) - q->next_avail);
}

static bool split_pending(const struct virtq *q)
{
	return waiting(q) != 0;
}

/* Descriptors that are chained by their `next`: the queue's own, or those of an indirect table. */
struct table {
	const uint8_t *desc;
	unsigned entries;
	bool indirect;
};

static int walk_indirect(const struct virtq *q, struct virtq_chain *c, const struct vring_desc *d);

/*
 * Adds the buffers of the chain that begins at AT of T to C. One that visits more entries than
 * there are goes in circles. The last descriptor may refer to an indirect table, after any number
 * of others [VIRTIO 1.2 2.7.5.3.2]; in such a table none may.
 */
static int walk(const struct virtq *q, struct virtq_chain *c, const struct table *t, unsigned at)
{
	for (unsigned n = 0; n < t->entries; n++) {
		struct vring_desc d;
		int ret;

		if (at >= t->entries)
			return -EBADMSG;
		copy_once(&d, t->desc + (size_t)at * VIRTQ_DESC_SIZE, sizeof(d));
		if (d.flags & VRING_DESC_F_INDIRECT)
			return t->indirect ? -EBADMSG : walk_indirect(q, c, &d);
		ret = virtq_chain_add(q, c, d.addr, d.len, d.flags);
		if (ret || !(d.flags & VRING_DESC_F_NEXT))
			return ret;
		at = d.next;
	}
	return -EBADMSG;
}

static int walk_indirect(const struct virtq *q, struct virtq_chain *c, const struct vring_desc *d)
{
	struct table t = {.indirect = true};
	int ret;

	if (d->flags & VRING_DESC_F_NEXT)
		return -EBADMSG;
	ret = virtq_indirect_table(q, d->addr, d->len, &t.desc, &t.entries);
	return ret ? ret : walk(q, c, &t, 0);
}

static int split_pop(struct virtq *q, struct virtq_chain *c)
{
	const struct table t = {.desc = q->desc, .entries = q->size};
	uint16_t n = waiting(q);
	int ret;

	if (!n)
		return -EAGAIN;
	/* Each chain, waiting or in work, has a descriptor of its own: the head. */
	if (n > q->size - q->in_flight)
		return -EBADMSG;
	c->id = __atomic_load_n(&avail_of(q)->ring[q->next_avail % q->size], __ATOMIC_RELAXED);
	c->slots = 1;
	ret = walk(q, c, &t, c->id);
	if (!ret)
		q->next_avail++;
	return ret;
}

static void split_unpop(struct virtq *q, const struct virtq_chain *c)
{
	(void)c;
	q->next_avail--;
}

/* The release makes the entries, and what the device wrote, visible before the index. */
static void split_push(struct virtq *q, const struct virtq_used *list, unsigned count)
{
	struct vring_used *used = used_of(q);

	for (unsigned i = 0; i < count; i++) {
		struct vring_used_elem *e = &used->ring[q->next_used++ % q->size];

		__atomic_store_n(&e->id, list[i].id, __ATOMIC_RELAXED);
		__atomic_store_n(&e->len, list[i].written, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&used->idx, q->next_used, __ATOMIC_RELEASE);
}

static bool split_interrupt_needed(const struct virtq *q, uint16_t n)
{
	uint16_t event;

	if (!q->event_idx)
		return !(__atomic_load_n(&avail_of(q)->flags, __ATOMIC_RELAXED) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	event = __atomic_load_n(used_event_of(q), __ATOMIC_RELAXED);
	return vring_need_event(event, q->next_used, (uint16_t)(q->next_used - n));
}

/* With the event index nothing is to be done: the entry that it names has been made available. */
static void split_kicks_stop(struct virtq *q)
{
	if (!q->event_idx)
		__atomic_store_n(&used_of(q)->flags, VRING_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
}

static void split_kicks_start(struct virtq *q)
{
	if (q->event_idx)
		__atomic_store_n(avail_event_of(q), q->next_avail, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&used_of(q)->flags, 0, __ATOMIC_RELAXED);
}

const struct virtq_format virtq_split = {
	.power_of_two = true,
	.driver_size = sizeof(struct vring_avail) + sizeof(__virtio16),
	.device_size = sizeof(struct vring_used) + sizeof(__virtio16),
	.driver_entry = sizeof(__virtio16),
	.device_entry = sizeof(struct vring_used_elem),
	.driver_align = 2,
	.device_align = 4,
	.pop = split_pop,
	.unpop = split_unpop,
	.push = split_push,
	.interrupt_needed = split_interrupt_needed,
	.kicks_stop = split_kicks_stop,
	.kicks_start = split_kicks_start,
	.pending = split_pending,
};
