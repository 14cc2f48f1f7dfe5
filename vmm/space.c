/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/space.h"

#include "lib/util.h"

#include <endian.h>
#include <string.h>

#define PAGE ((uint64_t)4 * KIB) /* the smallest there is: what is in one is mapped together */

#define SIGN_BIT 55 /* of arm64's addresses, under tags and signatures: which half */

static uint64_t low_bits(unsigned bits)
{
	return ((uint64_t)1 << bits) - 1;
}

static uint64_t entry_get(const struct space_tree *tree, const uint8_t *at)
{
	uint64_t entry = 0;

	memcpy(&entry, at, tree->entry_size);
	return le64toh(entry);
}

static const struct space_tree *tree_of(const struct space *space, uint64_t va)
{
	for (unsigned i = 0; i < space->count; i++) {
		const struct space_tree *t = &space->trees[i];

		if ((va & ~t->ignored & ~low_bits(t->va_bits)) == (t->base & ~t->ignored))
			return t;
	}
	return NULL;
}

static bool tree_translate(
	const struct gmem *gmem, const struct space_tree *t, uint64_t va, gpa_t *ret_gpa)
{
	gpa_t table = t->root;

	for (unsigned i = 0; i < t->levels; i++) {
		uint64_t index = va >> t->level[i].shift & low_bits(t->level[i].bits);
		const uint8_t *entry =
			gmem_slice(gmem, table + index * t->entry_size, t->entry_size);

		if (!entry)
			return false;
		switch (t->decode(t, i, entry_get(t, entry), &table)) {
		case SPACE_TABLE:
			break;
		case SPACE_LEAF:
			*ret_gpa = table | (va & low_bits(t->level[i].shift));
			return true;
		default:
			return false;
		}
	}
	return false;
}

bool space_translate(
	const struct gmem *gmem, const struct space *space, uint64_t va, gpa_t *ret_gpa)
{
	const struct space_tree *t;

	if (space->flat) {
		*ret_gpa = va;
		return true;
	}
	t = tree_of(space, va);
	return t && tree_translate(gmem, t, va, ret_gpa);
}

bool space_read(
	const struct gmem *gmem, const struct space *space, uint64_t va, void *buf, size_t size)
{
	for (size_t done = 0; done < size;) {
		uint64_t at = va + done;
		size_t n = min_u64(size - done, PAGE - at % PAGE);
		gpa_t gpa;

		if (!space_translate(gmem, space, at, &gpa) ||
			gmem_read(gmem, gpa, (uint8_t *)buf + done, n))
			return false;
		done += n;
	}
	return true;
}

uint64_t space_plain(const struct space *space, uint64_t va)
{
	for (unsigned i = 0; space->signed_pointers && i < space->count; i++) {
		const struct space_tree *t = &space->trees[i];

		if ((va ^ t->base) >> SIGN_BIT & 1)
			continue;
		return t->base | (va & low_bits(t->va_bits));
	}
	return va;
}

struct walk {
	const struct gmem *gmem;
	const struct space_tree *tree;
	uint64_t entries; /* that may still be looked at */
	bool (*visit)(void *ctx, uint64_t va, gpa_t gpa, uint64_t size);
	void *ctx;
};

/* The table of LEVEL for the addresses from VA on. False: that is enough. */
static bool walk_table(struct walk *w, unsigned level, gpa_t table, uint64_t va)
{
	const struct space_tree *t = w->tree;
	const struct space_level *l = &t->level[level];
	uint64_t count = (uint64_t)1 << l->bits;
	const uint8_t *entries = gmem_slice(w->gmem, table, count * t->entry_size);

	if (!entries)
		return true;
	if (w->entries < count)
		return false;
	w->entries -= count;
	for (uint64_t i = 0; i < count; i++, va += (uint64_t)1 << l->shift) {
		uint64_t entry = entry_get(t, entries + i * t->entry_size);
		bool go_on = true;
		gpa_t at;

		switch (t->decode(t, level, entry, &at)) {
		case SPACE_TABLE:
			if (level + 1 < t->levels)
				go_on = walk_table(w, level + 1, at, va);
			break;
		case SPACE_LEAF:
			go_on = w->visit(w->ctx, va, at, (uint64_t)1 << l->shift);
			break;
		default:
			break;
		}
		if (!go_on)
			return false;
	}
	return true;
}

void space_walk(const struct gmem *gmem, const struct space *space,
	bool (*visit)(void *ctx, uint64_t va, gpa_t gpa, uint64_t size), void *ctx)
{
	struct walk w = {.gmem = gmem, .entries = SPACE_ENTRIES_MAX, .visit = visit, .ctx = ctx};

	for (unsigned i = space->count; i-- > 0;) {
		w.tree = &space->trees[i];
		if (!walk_table(&w, 0, w.tree->root, w.tree->base))
			return;
	}
}
