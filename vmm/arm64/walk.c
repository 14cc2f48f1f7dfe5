/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/arm64/walk.h"

#include "lib/util.h"

#include <endian.h>

#define SCTLR_M  (1u << 0)
#define SCTLR_EE (1u << 25)
#define TCR_EPD0 ((uint64_t)1 << 7)
#define TCR_EPD1 ((uint64_t)1 << 23)
#define TCR_TBI0 ((uint64_t)1 << 37)
#define TCR_TBI1 ((uint64_t)1 << 38)
#define TCR_DS   ((uint64_t)1 << 59)

#define DESC_VALID   1u
#define DESC_TABLE   2u /* at level 3: a page */
#define DESC_ADDRESS 0xFFFFFFFFF000
#define TTBR_ADDRESS 0xFFFFFFFFFFFE /* ASID above it, CnP below */

#define VA_BITS_MIN 16
#define VA_BITS_MAX 48

/* One half of the address space. */
struct half {
	uint64_t ttbr;
	unsigned va_bits;
	unsigned granule; /* log2 of a page */
	bool enabled;
};

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

static struct half half_of(const struct walk_regs *r, bool upper)
{
	if (upper)
		return (struct half){.ttbr = r->ttbr1,
			.va_bits = 64 - (unsigned)(r->tcr >> 16 & 0x3F),
			.granule = granule_1(r->tcr),
			.enabled = !(r->tcr & TCR_EPD1)};
	return (struct half){.ttbr = r->ttbr0,
		.va_bits = 64 - (unsigned)(r->tcr & 0x3F),
		.granule = granule_0(r->tcr),
		.enabled = !(r->tcr & TCR_EPD0)};
}

/* VA, which is in HALF, through its tables. */
static bool walk(const struct gmem *gmem, const struct half *half, uint64_t va, gpa_t *ret_gpa)
{
	unsigned per_level = half->granule - 3;
	unsigned levels = (half->va_bits - half->granule + per_level - 1) / per_level;
	uint64_t table = half->ttbr & TTBR_ADDRESS;

	for (unsigned level = 4 - levels; level <= 3; level++) {
		unsigned shift = half->granule + per_level * (3 - level);
		unsigned bits = (unsigned)min_u64(per_level, half->va_bits - shift);
		uint64_t index = va >> shift & (((uint64_t)1 << bits) - 1);
		uint64_t desc, inside = va & (((uint64_t)1 << shift) - 1);

		if (gmem_read(gmem, table + index * sizeof(desc), &desc, sizeof(desc)))
			return false;
		desc = le64toh(desc);
		if (!(desc & DESC_VALID))
			return false;
		table = desc & DESC_ADDRESS & ~(((uint64_t)1 << half->granule) - 1);
		if (level < 3 && desc & DESC_TABLE)
			continue;
		/* A block of level 0, or what is no page at level 3, is reserved. */
		if (level == 0 || (level == 3 && !(desc & DESC_TABLE)))
			return false;
		*ret_gpa = (table & ~(((uint64_t)1 << shift) - 1)) | inside;
		return true;
	}
	return false;
}

bool walk_translate(
	const struct gmem *gmem, const struct walk_regs *regs, uint64_t va, gpa_t *ret_gpa)
{
	bool upper = va >> 55 & 1; /* with or without tags */
	struct half half = half_of(regs, upper);
	uint64_t tag = regs->tcr & (upper ? TCR_TBI1 : TCR_TBI0) ? (uint64_t)0xFF << 56 : 0;
	uint64_t sign;

	if (!(regs->sctlr & SCTLR_M)) {
		*ret_gpa = va;
		return true;
	}
	if (regs->sctlr & SCTLR_EE || regs->tcr & TCR_DS || !half.enabled || !half.granule ||
		half.va_bits < VA_BITS_MIN || half.va_bits > VA_BITS_MAX ||
		half.va_bits <= half.granule)
		return false;
	sign = ~(((uint64_t)1 << half.va_bits) - 1) & ~tag;
	if ((va & sign) != (upper ? sign : 0))
		return false;
	return walk(gmem, &half, va & (((uint64_t)1 << half.va_bits) - 1), ret_gpa);
}
