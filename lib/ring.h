/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A byte queue for one producer and one consumer thread, without locks. Positions only ever grow;
 * their difference is the fill level. The release store of one side pairs with the acquire load of
 * the other: bytes are visible before the position that covers them.
 */
#ifndef LIB_RING_H
#define LIB_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	uint8_t *bytes;
	size_t size;        /* a power of two */
	atomic_size_t head; /* next byte to write; producer's */
	atomic_size_t tail; /* next byte to read; consumer's */
};

/* Uses BYTES (SIZE of them, a power of two), which the caller owns. */
static inline void ring_init(struct ring *r, uint8_t *bytes, size_t size)
{
	r->bytes = bytes;
	r->size = size;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
}

/* Producer: appends up to N bytes; how many fitted. */
static inline size_t ring_push(struct ring *r, const uint8_t *data, size_t n)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	size_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
	size_t room = r->size - (head - tail);

	if (n > room)
		n = room;
	for (size_t i = 0; i < n; i++)
		r->bytes[(head + i) & (r->size - 1)] = data[i];
	atomic_store_explicit(&r->head, head + n, memory_order_release);
	return n;
}

/* Consumer: the longest contiguous run of queued bytes; *RET_DATA is where it starts. */
static inline size_t ring_peek(struct ring *r, const uint8_t **ret_data)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	size_t head = atomic_load_explicit(&r->head, memory_order_acquire);
	size_t at = tail & (r->size - 1);
	size_t run = head - tail;

	if (run > r->size - at)
		run = r->size - at;
	*ret_data = r->bytes + at;
	return run;
}

/* Consumer: drops N bytes, N being at most what is queued. */
static inline void ring_drop(struct ring *r, size_t n)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	atomic_store_explicit(&r->tail, tail + n, memory_order_release);
}

/* Either side: bytes queued, and bytes free, a moment ago. */
static inline size_t ring_used(struct ring *r)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

	return atomic_load_explicit(&r->head, memory_order_acquire) - tail;
}

static inline size_t ring_free(struct ring *r)
{
	return r->size - ring_used(r);
}

#endif
