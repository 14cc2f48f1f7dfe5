/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a vCPU has done of late, for reports on a guest that says nothing: its last exits that were
 * accesses, and the addresses that it has used and nobody owns. Written by the vCPU's own thread
 * alone, on the way of every exit: plain stores, no lock, nothing that is shared with other vCPUs.
 * Any thread may read; of an entry that is just being written it may see half.
 */
#ifndef VMM_HISTORY_H
#define VMM_HISTORY_H

#include "vmm/vm.h"

#define HISTORY_EXITS   16
#define HISTORY_UNOWNED 16

/* An access in two words: `value`, and from bit 0 on address, space, size, whether it was a write
 * and whether somebody owns that address. */
struct history_exit {
	_Atomic uint64_t what, value;
};

#define HISTORY_SPACE_SHIFT 52 /* the largest address of a guest is below [SDM 3A 4.1.4] */
#define HISTORY_SIZE_SHIFT  54
#define HISTORY_WRITE       ((uint64_t)1 << 58)
#define HISTORY_OWNED       ((uint64_t)1 << 59)

/* Where nobody is, and how often that was read, or written; 0 times: the entry is free. */
struct history_unowned {
	_Atomic uint64_t what, count; /* `what` without a size */
};

struct vcpu_history {
	_Atomic uint64_t count; /* of exits, ever: the latest is at [(count - 1) % HISTORY_EXITS] */
	struct history_exit exits[HISTORY_EXITS];
	struct history_unowned unowned[HISTORY_UNOWNED];
};

static inline uint64_t history_word(const struct vm_access *a)
{
	return (a->address & (((uint64_t)1 << HISTORY_SPACE_SHIFT) - 1)) |
	       (uint64_t)a->space << HISTORY_SPACE_SHIFT | (a->write ? HISTORY_WRITE : 0);
}

/* Notes an access that is over. The vCPU's thread. */
static inline void history_add(struct vcpu_history *h, const struct vm_access *a, bool owned)
{
	uint64_t count = atomic_load_explicit(&h->count, memory_order_relaxed);
	struct history_exit *e = &h->exits[count % HISTORY_EXITS];

	atomic_store_explicit(&e->what,
		history_word(a) | (uint64_t)a->size << HISTORY_SIZE_SHIFT |
			(owned ? HISTORY_OWNED : 0),
		memory_order_relaxed);
	atomic_store_explicit(&e->value, a->value, memory_order_relaxed);
	atomic_store_explicit(&h->count, count + 1, memory_order_release);
}

/* Counts an access to what nobody owns. The vCPU's thread. */
void history_add_unowned(struct vcpu_history *h, const struct vm_access *a);

struct history_access {
	struct vm_access access;
	bool owned;
};

/* The last exits, the oldest first; how many. Any thread. */
unsigned history_exits(
	const struct vcpu_history *h, struct history_access ret_exits[HISTORY_EXITS]);

struct history_count {
	struct vm_access access; /* without size and value */
	uint64_t count;
};

/*
 * Adds what H has of addresses that nobody owns to the *COUNT ones in LIST, which has room for
 * HISTORY_UNOWNED: of more, those that are used most stay. By falling count. Any thread.
 */
void history_merge_unowned(
	const struct vcpu_history *h, struct history_count list[HISTORY_UNOWNED], unsigned *count);

#endif
