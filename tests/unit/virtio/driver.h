/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's side of a virtqueue, written from [VIRTIO 1.2 2.7, 2.8] without a look at
 * devices/virtio/, in memory that a test calls the guest's. Of the kind that keeps the rules;
 * whoever breaks them writes to the rings by hand.
 */
#ifndef TESTS_UNIT_VIRTIO_DRIVER_H
#define TESTS_UNIT_VIRTIO_DRIVER_H

#include "devices/virtio/queue.h"

#include <check.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

#define RAM_BASE 0x40000000
#define RAM_SIZE 0x200000

/* Where a queue's parts are, from RAM_BASE. */
#define DESC_AT     0x1000
#define DRIVER_AT   0x3000
#define DEVICE_AT   0x5000
#define INDIRECT_AT 0x10000 /* a table of INDIRECT_MAX descriptors for each entry */
#define DATA_AT     0x180000

#define INDIRECT_MAX 64

static uint8_t ram[RAM_SIZE] __attribute__((aligned(4096)));

struct buffer {
	gpa_t addr;
	uint32_t len;
	bool write;
};

struct driver {
	uint64_t features;
	uint16_t size;
	uint16_t next_avail, next_used; /* split: free-running */
	bool avail_wrap, used_wrap;
	uint16_t free;                    /* entries */
	bool taken[VIRTQ_SIZE_MAX];       /* split: descriptors; packed: ids */
	uint16_t entries[VIRTQ_SIZE_MAX]; /* packed: of the buffer with this id */
	uint16_t added;                   /* entries since driver_wants_kick */
	uint16_t used;                    /* chains that came back */
};

static inline bool driver_has(const struct driver *d, unsigned bit)
{
	return d->features >> bit & 1;
}

static inline bool is_packed(const struct driver *d)
{
	return driver_has(d, VIRTIO_F_RING_PACKED);
}

/* ck_assert writes a message each time: too slow for what a long life does all the time. */
#define expect(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg("%s", #condition);                                            \
	} while (0)

static inline void *at(uint64_t offset)
{
	expect(offset < RAM_SIZE);
	return ram + offset;
}

static inline struct vring_desc *split_desc(unsigned i)
{
	return at(DESC_AT + i * sizeof(struct vring_desc));
}

static inline struct vring_packed_desc *packed_desc(unsigned i)
{
	return at(DESC_AT + i * sizeof(struct vring_packed_desc));
}

static inline struct vring_avail *avail_ring(void)
{
	return at(DRIVER_AT);
}

static inline struct vring_used *used_ring(void)
{
	return at(DEVICE_AT);
}

static inline struct vring_packed_desc_event *driver_event(void)
{
	return at(DRIVER_AT);
}

static inline __virtio16 *used_event(const struct driver *d)
{
	return &avail_ring()->ring[d->size];
}

static inline __virtio16 *avail_event(const struct driver *d)
{
	return (__virtio16 *)(void *)&used_ring()->ring[d->size];
}

/* What the device may read or write at the same time. */
static inline uint16_t load16(const uint16_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void store16(uint16_t *p, uint16_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

static inline struct virtq_layout driver_layout(const struct driver *d)
{
	return (struct virtq_layout){
		.size = d->size,
		.features = d->features,
		.desc = RAM_BASE + DESC_AT,
		.driver = RAM_BASE + DRIVER_AT,
		.device = RAM_BASE + DEVICE_AT,
	};
}

static inline void driver_init(struct driver *d, uint64_t features, uint16_t size)
{
	memset(ram, 0, DATA_AT);
	*d = (struct driver){.features = features,
		.size = size,
		.free = size,
		.avail_wrap = true,
		.used_wrap = true};
}

static inline uint16_t take(struct driver *d)
{
	uint16_t i = 0;

	while (d->taken[i])
		i++;
	expect(i < d->size);
	d->taken[i] = true;
	return i;
}

static inline struct vring_desc split_desc_of(const struct buffer *b, bool more, uint16_t next)
{
	return (struct vring_desc){.addr = b->addr,
		.len = b->len,
		.flags = (uint16_t)((b->write ? VRING_DESC_F_WRITE : 0) |
				    (more ? VRING_DESC_F_NEXT : 0)),
		.next = next};
}

/* Makes the chain that begins at HEAD available. */
static inline void split_offer(struct driver *d, uint16_t head)
{
	avail_ring()->ring[d->next_avail % d->size] = head;
	__atomic_store_n(&avail_ring()->idx, ++d->next_avail, __ATOMIC_RELEASE);
	d->added++;
}

static inline int split_add(struct driver *d, const struct buffer *b, unsigned n)
{
	uint16_t head, i;

	if (n > d->free)
		return -1;
	head = i = take(d);
	for (unsigned k = 0; k < n; k++) {
		bool more = k + 1 < n;
		uint16_t next = more ? take(d) : 0;

		*split_desc(i) = split_desc_of(&b[k], more, next);
		i = next;
	}
	d->free = (uint16_t)(d->free - n);
	split_offer(d, head);
	return head;
}

static inline int split_add_indirect(struct driver *d, const struct buffer *b, unsigned n)
{
	struct vring_desc *table;
	uint16_t head;

	if (!d->free)
		return -1;
	head = take(d);
	table = at(INDIRECT_AT + head * INDIRECT_MAX * sizeof(*table));
	for (unsigned k = 0; k < n; k++)
		table[k] = split_desc_of(&b[k], k + 1 < n, (uint16_t)(k + 1));
	*split_desc(head) =
		(struct vring_desc){.addr = RAM_BASE + (uint64_t)((uint8_t *)table - ram),
			.len = (uint32_t)(n * sizeof(*table)),
			.flags = VRING_DESC_F_INDIRECT};
	d->free--;
	split_offer(d, head);
	return head;
}

static inline uint16_t packed_mark(const struct driver *d)
{
	return d->avail_wrap ? 1u << VRING_PACKED_DESC_F_AVAIL : 1u << VRING_PACKED_DESC_F_USED;
}

/* Writes N descriptors, the flags of the first one last. */
static inline int packed_offer(struct driver *d, const struct vring_packed_desc *desc, unsigned n)
{
	uint16_t first = d->next_avail, first_flags = 0;
	uint16_t id;

	if (n > d->free)
		return -1;
	id = take(d);
	for (unsigned k = 0; k < n; k++) {
		struct vring_packed_desc *e = packed_desc(d->next_avail);
		uint16_t flags = desc[k].flags | packed_mark(d);

		e->addr = desc[k].addr;
		e->len = desc[k].len;
		e->id = k + 1 < n ? 0xDEAD : id;
		if (k)
			e->flags = flags;
		else
			first_flags = flags;
		if (++d->next_avail == d->size) {
			d->next_avail = 0;
			d->avail_wrap = !d->avail_wrap;
		}
	}
	__atomic_store_n(&packed_desc(first)->flags, first_flags, __ATOMIC_RELEASE);
	d->entries[id] = (uint16_t)n;
	d->free = (uint16_t)(d->free - n);
	d->added = (uint16_t)(d->added + n);
	return id;
}

static inline struct vring_packed_desc packed_desc_of(const struct buffer *b, bool more)
{
	return (struct vring_packed_desc){.addr = b->addr,
		.len = b->len,
		.flags = (uint16_t)((b->write ? VRING_DESC_F_WRITE : 0) |
				    (more ? VRING_DESC_F_NEXT : 0))};
}

static inline int packed_add(struct driver *d, const struct buffer *b, unsigned n)
{
	struct vring_packed_desc desc[VIRTQ_SIZE_MAX];

	for (unsigned k = 0; k < n; k++)
		desc[k] = packed_desc_of(&b[k], k + 1 < n);
	return packed_offer(d, desc, n);
}

static inline int packed_add_indirect(struct driver *d, const struct buffer *b, unsigned n)
{
	struct vring_packed_desc *table, desc;

	table = at(INDIRECT_AT + d->next_avail * INDIRECT_MAX * sizeof(*table));
	if (!d->free)
		return -1;
	/* What means nothing in a table is anything. */
	for (unsigned k = 0; k < n; k++) {
		table[k] = packed_desc_of(&b[k], true);
		table[k].flags |= VRING_DESC_F_INDIRECT;
		table[k].id = 0xBEEF;
	}
	desc = (struct vring_packed_desc){.addr = RAM_BASE + (uint64_t)((uint8_t *)table - ram),
		.len = (uint32_t)(n * sizeof(*table)),
		.flags = VRING_DESC_F_INDIRECT};
	return packed_offer(d, &desc, 1);
}

/* Makes N buffers available as one chain. Its id, or -1 when there is no room. */
static inline int driver_add(struct driver *d, const struct buffer *b, unsigned n)
{
	return is_packed(d) ? packed_add(d, b, n) : split_add(d, b, n);
}

static inline int driver_add_indirect(struct driver *d, const struct buffer *b, unsigned n)
{
	expect(n <= INDIRECT_MAX);
	return is_packed(d) ? packed_add_indirect(d, b, n) : split_add_indirect(d, b, n);
}

/* Whether the device wants to hear of what was added since this was last asked. */
static inline bool driver_wants_kick(struct driver *d)
{
	uint16_t n = d->added, event, new = d->next_avail;
	uint32_t word;

	d->added = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!n)
		return false;
	if (!is_packed(d) && !driver_has(d, VIRTIO_RING_F_EVENT_IDX))
		return !(load16(&used_ring()->flags) & VRING_USED_F_NO_NOTIFY);
	if (!is_packed(d))
		return vring_need_event(load16(avail_event(d)), new, (uint16_t)(new - n));
	word = __atomic_load_n((uint32_t *)at(DEVICE_AT), __ATOMIC_RELAXED);
	if (word >> 16 != VRING_PACKED_EVENT_FLAG_DESC)
		return word >> 16 == VRING_PACKED_EVENT_FLAG_ENABLE;
	event = word & 0x7FFF;
	if ((word >> 15 & 1) != d->avail_wrap)
		event = (uint16_t)(event - d->size);
	return vring_need_event(event, new, (uint16_t)(new - n));
}

/* Frees what the split chain that begins at HEAD takes. */
static inline void split_free(struct driver *d, unsigned head)
{
	for (;;) {
		const struct vring_desc *e = split_desc(head);

		expect(d->taken[head]);
		d->taken[head] = false;
		d->free++;
		if (!(e->flags & VRING_DESC_F_NEXT))
			return;
		head = e->next;
	}
}

static inline bool split_used(struct driver *d, unsigned *ret_id, uint32_t *ret_len)
{
	const struct vring_used_elem *e = &used_ring()->ring[d->next_used % d->size];

	if (__atomic_load_n(&used_ring()->idx, __ATOMIC_ACQUIRE) == d->next_used)
		return false;
	*ret_id = e->id;
	*ret_len = e->len;
	expect(e->id < d->size);
	split_free(d, e->id);
	d->next_used++;
	return true;
}

static inline bool packed_used(struct driver *d, unsigned *ret_id, uint32_t *ret_len)
{
	const struct vring_packed_desc *e = packed_desc(d->next_used);
	uint16_t flags = __atomic_load_n(&e->flags, __ATOMIC_ACQUIRE);
	bool avail = flags >> VRING_PACKED_DESC_F_AVAIL & 1;
	bool used = flags >> VRING_PACKED_DESC_F_USED & 1;

	if (used != d->used_wrap || avail != used)
		return false;
	*ret_id = e->id;
	*ret_len = flags & VRING_DESC_F_WRITE ? e->len : 0;
	expect(e->id < d->size);
	expect(d->taken[e->id]);
	d->taken[e->id] = false;
	d->free = (uint16_t)(d->free + d->entries[e->id]);
	d->next_used = (uint16_t)(d->next_used + d->entries[e->id]);
	if (d->next_used >= d->size) {
		d->next_used = (uint16_t)(d->next_used - d->size);
		d->used_wrap = !d->used_wrap;
	}
	return true;
}

/* The next chain that came back. False when there is none. */
static inline bool driver_used(struct driver *d, unsigned *ret_id, uint32_t *ret_len)
{
	bool found =
		is_packed(d) ? packed_used(d, ret_id, ret_len) : split_used(d, ret_id, ret_len);

	d->used = (uint16_t)(d->used + found);
	return found;
}

static inline void driver_interrupts_off(struct driver *d)
{
	if (is_packed(d))
		store16(&driver_event()->flags, VRING_PACKED_EVENT_FLAG_DISABLE);
	else if (driver_has(d, VIRTIO_RING_F_EVENT_IDX))
		store16(used_event(d), (uint16_t)(d->next_used - 1)); /* one that has been */
	else
		store16(&avail_ring()->flags, VRING_AVAIL_F_NO_INTERRUPT);
}

/* Asks for an interrupt with the next used chain; there may be one already. */
static inline void driver_interrupts_on(struct driver *d)
{
	bool event_idx = driver_has(d, VIRTIO_RING_F_EVENT_IDX);

	if (is_packed(d)) {
		store16(&driver_event()->off_wrap, (uint16_t)(d->next_used | d->used_wrap << 15));
		store16(&driver_event()->flags,
			event_idx ? VRING_PACKED_EVENT_FLAG_DESC : VRING_PACKED_EVENT_FLAG_ENABLE);
	} else if (event_idx) {
		store16(used_event(d), d->next_used);
	} else {
		store16(&avail_ring()->flags, 0);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
