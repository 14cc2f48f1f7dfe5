/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/x86/paging.h"

#define CR0_PG   ((uint64_t)1 << 31)
#define CR4_PSE  ((uint64_t)1 << 4)
#define CR4_PAE  ((uint64_t)1 << 5)
#define CR4_LA57 ((uint64_t)1 << 12)
#define EFER_LMA ((uint64_t)1 << 10)

#define ENTRY_PRESENT ((uint64_t)1 << 0)
#define ENTRY_PS      ((uint64_t)1 << 7)
#define ENTRY_ADDRESS 0x000FFFFFFFFFF000

#define PAGE_SHIFT  12
#define HUGE_SHIFT  30 /* the largest page that there is */
#define SHIFT_PSE   22
#define TABLE_BYTES 4096

/* [SDM 3A 4.4, 4.5] */
static enum space_entry decode(
	const struct space_tree *tree, unsigned level, uint64_t entry, gpa_t *ret_at)
{
	unsigned shift = tree->level[level].shift;
	gpa_t at = entry & ENTRY_ADDRESS;

	if (!(entry & ENTRY_PRESENT))
		return SPACE_NONE;
	if (shift == PAGE_SHIFT) {
		*ret_at = at;
		return SPACE_LEAF;
	}
	/* Above 1 GiB, and in PAE's four pointers, the bit is reserved. */
	if (!(entry & ENTRY_PS)) {
		*ret_at = at;
		return SPACE_TABLE;
	}
	if (shift > HUGE_SHIFT || (level == 0 && shift == HUGE_SHIFT))
		return SPACE_NONE;
	*ret_at = at & ~(((uint64_t)1 << shift) - 1);
	return SPACE_LEAF;
}

/* [SDM 3A 4.3]: pages of 4 MiB have bits 39 to 32 of their address in bits 20 to 13. */
static enum space_entry decode_32(
	const struct space_tree *tree, unsigned level, uint64_t entry, gpa_t *ret_at)
{
	if (!(entry & ENTRY_PRESENT))
		return SPACE_NONE;
	if (level == 0 && entry & ENTRY_PS && tree->big_pages) {
		*ret_at = (entry & 0xFFC00000) | (entry >> 13 & 0xFF) << 32;
		return SPACE_LEAF;
	}
	*ret_at = entry & ENTRY_ADDRESS;
	return level == 0 ? SPACE_TABLE : SPACE_LEAF;
}

static const struct space_tree tree_32 = {
	.va_bits = 32,
	.levels = 2,
	.entry_size = sizeof(uint32_t),
	.level = {{SHIFT_PSE, 10}, {PAGE_SHIFT, 10}},
	.decode = decode_32,
};

static const struct space_tree tree_pae = {
	.va_bits = 32,
	.levels = 3,
	.entry_size = sizeof(uint64_t),
	.level = {{HUGE_SHIFT, 2}, {21, 9}, {PAGE_SHIFT, 9}},
	.decode = decode,
};

/* The lower half: half of the root's entries. */
static const struct space_tree tree_4 = {
	.va_bits = 47,
	.levels = 4,
	.entry_size = sizeof(uint64_t),
	.level = {{39, 8}, {HUGE_SHIFT, 9}, {21, 9}, {PAGE_SHIFT, 9}},
	.decode = decode,
};

static const struct space_tree tree_5 = {
	.va_bits = 56,
	.levels = 5,
	.entry_size = sizeof(uint64_t),
	.level = {{48, 8}, {39, 9}, {HUGE_SHIFT, 9}, {21, 9}, {PAGE_SHIFT, 9}},
	.decode = decode,
};

void x86_space(const struct x86_paging *r, struct space *ret_space)
{
	struct space *s = ret_space;

	*s = (struct space){.flat = !(r->cr0 & CR0_PG)};
	if (s->flat)
		return;
	s->count = 1;
	if (r->efer & EFER_LMA) {
		s->trees[0] = r->cr4 & CR4_LA57 ? tree_5 : tree_4;
		s->trees[0].root = r->cr3 & ENTRY_ADDRESS;
		s->trees[1] = s->trees[0];
		s->trees[1].root += TABLE_BYTES / 2;
		s->trees[1].base = ~(((uint64_t)1 << s->trees[1].va_bits) - 1);
		s->count = 2;
	} else if (r->cr4 & CR4_PAE) {
		s->trees[0] = tree_pae;
		s->trees[0].root = r->cr3 & 0xFFFFFFE0;
	} else {
		s->trees[0] = tree_32;
		s->trees[0].root = r->cr3 & 0xFFFFF000;
		s->trees[0].big_pages = r->cr4 & CR4_PSE;
	}
}
