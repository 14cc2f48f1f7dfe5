/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/arm64/paging.h"

#include "lib/util.h"

#define SCTLR_M  (1u << 0)
#define SCTLR_EE (1u << 25)
#define TCR_EPD0 ((uint64_t)1 << 7)
#define TCR_EPD1 ((uint64_t)1 << 23)
#define TCR_TBI0 ((uint64_t)1 << 37)
#define TCR_TBI1 ((uint64_t)1 << 38)
#define TCR_DS   ((uint64_t)1 << 59)

#define TAG ((uint64_t)0xFF << 56)

#define DESC_VALID   1u
#define DESC_TABLE   2u /* at level 3: a page */
#define DESC_ADDRESS 0xFFFFFFFFF000
#define TTBR_ADDRESS 0xFFFFFFFFFFFE /* ASID above it, CnP below */

#define VA_BITS_MIN 16
#define VA_BITS_MAX 48

#define LAST_LEVEL 3

static enum space_entry decode(
	const struct space_tree *tree, unsigned level, uint64_t desc, gpa_t *ret_at)
{
	/* The architecture counts down to level 3, wherever the root is. */
	unsigned arch_level = LAST_LEVEL + 1 - tree->levels + level;
	unsigned granule = tree->level[tree->levels - 1].shift;
	gpa_t at = desc & DESC_ADDRESS & ~(((uint64_t)1 << granule) - 1);

	if (!(desc & DESC_VALID))
		return SPACE_NONE;
	if (arch_level < LAST_LEVEL && desc & DESC_TABLE) {
		*ret_at = at;
		return SPACE_TABLE;
	}
	/* A block of level 0, or what is no page at level 3, is reserved. */
	if (arch_level == 0 || (arch_level == LAST_LEVEL && !(desc & DESC_TABLE)))
		return SPACE_NONE;
	*ret_at = at & ~(((uint64_t)1 << tree->level[level].shift) - 1);
	return SPACE_LEAF;
}

/* log2 of the page size that TCR_EL1.TG0 or TG1 names; 0: reserved. */
static unsigned granule_0(uint64_t tcr)
{
	static const uint8_t sizes[] = {12, 16, 14, 0};

	return sizes[tcr >> 14 & 3];
}

static unsigned granule_1(uint64_t tcr)
{
	static const uint8_t sizes[] = {0, 14, 12, 16};

	return sizes[tcr >> 30 & 3];
}

/* For VA_BITS addresses in pages of 1 << GRANULE bytes; no levels where there is no such. */
static void tree_init(struct space_tree *tree, unsigned va_bits, unsigned granule)
{
	unsigned per_level = granule - 3;

	if (!granule || va_bits < VA_BITS_MIN || va_bits > VA_BITS_MAX || va_bits <= granule)
		return;
	tree->va_bits = (uint8_t)va_bits;
	tree->levels = (uint8_t)((va_bits - granule + per_level - 1) / per_level);
	tree->entry_size = sizeof(uint64_t);
	tree->decode = decode;
	for (unsigned i = 0; i < tree->levels; i++) {
		unsigned shift = granule + per_level * (tree->levels - 1u - i);

		tree->level[i].shift = (uint8_t)shift;
		tree->level[i].bits = (uint8_t)min_u64(per_level, va_bits - shift);
	}
}

static void add_half(struct space *space, const struct space_tree *half)
{
	if (half->levels)
		space->trees[space->count++] = *half;
}

void arm64_space(const struct arm64_paging *r, struct space *ret_space)
{
	struct space_tree lower = {.root = r->ttbr0 & TTBR_ADDRESS};
	struct space_tree upper = {.root = r->ttbr1 & TTBR_ADDRESS};

	*ret_space = (struct space){.flat = !(r->sctlr & SCTLR_M), .signed_pointers = true};
	if (ret_space->flat || r->sctlr & SCTLR_EE || r->tcr & TCR_DS)
		return;
	if (!(r->tcr & TCR_EPD0))
		tree_init(&lower, 64 - (unsigned)(r->tcr & 0x3F), granule_0(r->tcr));
	if (!(r->tcr & TCR_EPD1))
		tree_init(&upper, 64 - (unsigned)(r->tcr >> 16 & 0x3F), granule_1(r->tcr));
	lower.ignored = r->tcr & TCR_TBI0 ? TAG : 0;
	upper.ignored = r->tcr & TCR_TBI1 ? TAG : 0;
	upper.base = ~(((uint64_t)1 << upper.va_bits) - 1);
	add_half(ret_space, &lower);
	add_half(ret_space, &upper);
}
