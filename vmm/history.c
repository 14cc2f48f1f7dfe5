/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/history.h"

#include "lib/util.h"

#include <string.h>

/* In a full table the least used address makes room, so that a probe of many hides none for long.
 */
void history_add_unowned(struct vcpu_history *h, const struct vm_access *a)
{
	uint64_t what = history_word(a), count;
	struct history_unowned *least = &h->unowned[0];

	for (unsigned i = 0; i < HISTORY_UNOWNED; i++) {
		struct history_unowned *u = &h->unowned[i];

		count = atomic_load_explicit(&u->count, memory_order_relaxed);
		if (count && atomic_load_explicit(&u->what, memory_order_relaxed) == what) {
			atomic_store_explicit(&u->count, count + 1, memory_order_relaxed);
			return;
		}
		if (count < atomic_load_explicit(&least->count, memory_order_relaxed))
			least = u;
	}
	atomic_store_explicit(&least->what, what, memory_order_relaxed);
	atomic_store_explicit(&least->count, 1, memory_order_relaxed);
}

static struct vm_access access_of(uint64_t what)
{
	return (struct vm_access){
		.space = (enum window_space)(what >> HISTORY_SPACE_SHIFT & 3),
		.address = what & (((uint64_t)1 << HISTORY_SPACE_SHIFT) - 1),
		.size = (unsigned)(what >> HISTORY_SIZE_SHIFT & 15),
		.write = what & HISTORY_WRITE,
	};
}

unsigned history_exits(const struct vcpu_history *h, struct history_access ret_exits[HISTORY_EXITS])
{
	uint64_t count = atomic_load_explicit(&h->count, memory_order_acquire);
	unsigned n = (unsigned)min_u64(count, HISTORY_EXITS);

	for (unsigned i = 0; i < n; i++) {
		const struct history_exit *e = &h->exits[(count - n + i) % HISTORY_EXITS];
		uint64_t what = atomic_load_explicit(&e->what, memory_order_relaxed);

		ret_exits[i].access = access_of(what);
		ret_exits[i].access.value = atomic_load_explicit(&e->value, memory_order_relaxed);
		ret_exits[i].owned = what & HISTORY_OWNED;
	}
	return n;
}

static struct history_count *find_count(
	struct history_count *list, unsigned count, const struct vm_access *a)
{
	for (unsigned i = 0; i < count; i++) {
		const struct vm_access *b = &list[i].access;

		if (a->space == b->space && a->address == b->address && a->write == b->write)
			return &list[i];
	}
	return NULL;
}

static int by_count(const void *a, const void *b)
{
	uint64_t first = ((const struct history_count *)a)->count;
	uint64_t second = ((const struct history_count *)b)->count;

	return (first < second) - (first > second);
}

void history_merge_unowned(
	const struct vcpu_history *h, struct history_count list[HISTORY_UNOWNED], unsigned *count)
{
	struct history_count all[2 * HISTORY_UNOWNED];
	unsigned n = *count;

	memcpy(all, list, n * sizeof(*list));
	for (unsigned i = 0; i < HISTORY_UNOWNED; i++) {
		const struct history_unowned *u = &h->unowned[i];
		struct history_count c = {
			.access = access_of(atomic_load_explicit(&u->what, memory_order_relaxed)),
			.count = atomic_load_explicit(&u->count, memory_order_relaxed),
		};
		struct history_count *same = find_count(all, n, &c.access);

		if (c.count && same)
			same->count += c.count;
		else if (c.count)
			all[n++] = c;
	}
	qsort(all, n, sizeof(*all), by_count);
	*count = (unsigned)min_u64(n, HISTORY_UNOWNED);
	memcpy(list, all, *count * sizeof(*list));
}
