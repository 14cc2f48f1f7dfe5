/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's virtual address space, walked in software through its own page tables: they are trees
 * on both architectures, which say how theirs are made (vmm/<arch>/paging.h). Only for reports and
 * for what KVM leaves to us; the guest may change its tables at any time, and every entry is read
 * once. Pure: any thread.
 */
#ifndef VMM_SPACE_H
#define VMM_SPACE_H

#include "vmm/gmem.h"

#include <stddef.h>

#define SPACE_LEVELS_MAX 5
#define SPACE_TREES_MAX  2

enum space_entry {
	SPACE_NONE,  /* nothing is mapped there */
	SPACE_TABLE, /* *RET_AT is the next level's table */
	SPACE_LEAF,  /* *RET_AT is what is mapped */
};

struct space_level {
	uint8_t shift; /* log2 of what an entry covers */
	uint8_t bits;  /* log2 of how many entries a table has */
};

/* The addresses from BASE on, 1 << VA_BITS of them, through the table at ROOT. */
struct space_tree {
	gpa_t root;
	uint64_t base;
	uint64_t ignored; /* bits of an address that do not count: tags */
	uint8_t va_bits;
	uint8_t levels; /* at least 1 */
	uint8_t entry_size;
	bool big_pages; /* DECODE's: 32-bit paging of x86 has them only where CR4 says so */
	struct space_level level[SPACE_LEVELS_MAX]; /* from the root */
	enum space_entry (*decode)(
		const struct space_tree *tree, unsigned level, uint64_t entry, gpa_t *ret_at);
};

struct space {
	bool flat;            /* no translation: there are no trees */
	bool signed_pointers; /* code pointers in memory may have signatures above their address */
	unsigned count;
	struct space_tree trees[SPACE_TREES_MAX];
};

/* The GPA of VA. False when it is not mapped, or a table is not in guest memory. */
bool space_translate(
	const struct gmem *gmem, const struct space *space, uint64_t va, gpa_t *ret_gpa);

/* Copies SIZE bytes from VA on, over pages. False, with BUF undefined, when one is not there. */
bool space_read(
	const struct gmem *gmem, const struct space *space, uint64_t va, void *buf, size_t size);

/* VA, which came out of the guest's memory, without its signature, if it can have one. */
uint64_t space_plain(const struct space *space, uint64_t va);

/*
 * Calls VISIT for each page or block that is mapped, those of the last tree first (there is the
 * kernel), by ascending address, until it returns false. At most SPACE_ENTRIES_MAX entries are
 * looked at, a table's each time that it is met: hostile tables are finite, and take a fraction of
 * a second. Nothing for a flat space.
 */
#define SPACE_ENTRIES_MAX (4u << 20)
void space_walk(const struct gmem *gmem, const struct space *space,
	bool (*visit)(void *ctx, uint64_t va, gpa_t gpa, uint64_t size), void *ctx);

#endif
