/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/arm64/insn.h"

#include "lib/util.h"

static unsigned field(uint32_t insn, unsigned high, unsigned low)
{
	return insn >> low & ((1u << (high - low + 1)) - 1);
}

static int64_t signed_field(uint32_t insn, unsigned high, unsigned low)
{
	unsigned bits = high - low + 1;
	uint64_t sign = (uint64_t)1 << (bits - 1);

	return (int64_t)((field(insn, high, low) ^ sign) - sign);
}

static bool bit(uint32_t insn, unsigned n)
{
	return insn >> n & 1;
}

/* Bits 24 and 23 of a pair. */
enum pair_mode { PAIR_NO_ALLOCATE, PAIR_POST, PAIR_OFFSET, PAIR_PRE };

/* [C4.1.94, load/store no-allocate pair (offset) and register pair] */
static bool decode_pair(uint32_t insn, struct insn_access *a)
{
	unsigned opc = field(insn, 31, 30);
	enum pair_mode mode = field(insn, 24, 23);

	if (opc == 3)
		return false;
	a->count = 2;
	a->rt2 = field(insn, 14, 10);
	a->load = bit(insn, 22);
	if (a->simd) {
		a->size = 4u << opc;
	} else {
		/* LDPSW; its place among stores is STGP's, and without allocation nothing's. */
		a->sign = opc == 1;
		if (a->sign && (!a->load || mode == PAIR_NO_ALLOCATE))
			return false;
		a->size = opc == 2 ? 8 : 4;
		a->width = opc == 0 ? 4 : 8;
	}
	a->has_offset = true;
	a->offset = signed_field(insn, 21, 15) * (int64_t)a->size;
	a->writeback = mode == PAIR_POST || mode == PAIR_PRE;
	a->post = mode == PAIR_POST;
	/* Constrained unpredictable [K1.2]: both halves in one register. */
	return !(a->load && a->rt == a->rt2);
}

/* What the two fields size and opc say of a single register; false: nothing that is known here. */
static bool decode_single_size(uint32_t insn, struct insn_access *a)
{
	unsigned size = field(insn, 31, 30), opc = field(insn, 23, 22);

	if (a->simd) {
		if (opc & 2 && size)
			return false;
		a->size = opc & 2 ? 16 : 1u << size;
		a->load = opc & 1;
		return true;
	}
	a->size = 1u << size;
	a->load = opc != 0;
	a->sign = opc >= 2;
	a->width = a->sign ? (opc == 2 ? 8 : 4) : (size == 3 ? 8 : 4);
	/* To extend from as many bytes or more than there are: PRFM, or unallocated. */
	return !(a->sign && a->size >= a->width);
}

/* Bits 11 and 10 of a single register without an unsigned offset, where bit 21 is 0. */
enum single_mode { SINGLE_UNSCALED, SINGLE_POST, SINGLE_UNPRIVILEGED, SINGLE_PRE };

/* [C4.1.94, load/store register, all forms] */
static bool decode_single(uint32_t insn, struct insn_access *a)
{
	enum single_mode mode = field(insn, 11, 10);

	a->count = 1;
	if (!decode_single_size(insn, a))
		return false;
	if (bit(insn, 24)) {
		a->has_offset = true;
		a->offset = (int64_t)(field(insn, 21, 10) * a->size);
		return true;
	}
	if (bit(insn, 21))
		return mode == 2; /* an offset in a register; the others are atomics and PAuth's */
	if (mode == SINGLE_UNPRIVILEGED && a->simd)
		return false;
	a->has_offset = true;
	a->offset = signed_field(insn, 20, 12);
	a->writeback = mode == SINGLE_POST || mode == SINGLE_PRE;
	a->post = mode == SINGLE_POST;
	return true;
}

/* [C4.1.94, load register (literal)] */
static bool decode_literal(uint32_t insn, struct insn_access *a)
{
	unsigned opc = field(insn, 31, 30);

	if (opc == 3)
		return false; /* PRFM */
	a->count = 1;
	a->load = true;
	a->literal = true;
	a->has_offset = true;
	a->offset = signed_field(insn, 23, 5) * 4;
	if (a->simd) {
		a->size = 4u << opc;
		return true;
	}
	a->sign = opc == 2;
	a->size = opc == 1 ? 8 : 4;
	a->width = opc == 0 ? 4 : 8;
	return true;
}

/* A base that is also data cannot be written back [K1.2]. */
static bool base_is_data(const struct insn_access *a)
{
	return !a->simd && a->rn != INSN_REG_31 &&
	       (a->rn == a->rt || (a->count == 2 && a->rn == a->rt2));
}

bool insn_decode(uint32_t insn, struct insn_access *ret_access)
{
	struct insn_access a = {
		.simd = bit(insn, 26), .rt = field(insn, 4, 0), .rn = field(insn, 9, 5)};
	bool known = false;

	if (field(insn, 29, 27) == 5 && !bit(insn, 25))
		known = decode_pair(insn, &a);
	else if (field(insn, 29, 27) == 7 && !bit(insn, 25))
		known = decode_single(insn, &a);
	else if (field(insn, 29, 27) == 3 && !field(insn, 25, 24))
		known = decode_literal(insn, &a);
	if (!known || (a.writeback && base_is_data(&a)))
		return false;
	*ret_access = a;
	return true;
}
