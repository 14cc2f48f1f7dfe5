/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads and stores of A64, as far as the processor does not describe them itself when they abort:
 * pairs, those that write their address back, SIMD&FP [Arm ARM DDI 0487 C4.1.94, ISS of data aborts
 * D17.2.40]. Pure: builds and is tested on every host.
 */
#ifndef VMM_ARM64_INSN_H
#define VMM_ARM64_INSN_H

#include <stdbool.h>
#include <stdint.h>

#define INSN_REG_31 31 /* as a base the stack pointer, as data zero */

struct insn_access {
	bool load;
	bool simd;       /* Rt, Rt2 are SIMD&FP registers */
	bool sign;       /* a load extends the sign, to `width` bytes */
	bool literal;    /* the address is PC + offset; there is no base */
	bool writeback;  /* the base becomes base + offset */
	bool post;       /* the address is the base itself */
	bool has_offset; /* the offset is known: it is no register */
	unsigned count;  /* registers: 1 or 2 */
	unsigned size;   /* bytes of each in memory: 1, 2, 4, 8, 16 */
	unsigned width;  /* bytes of a general register that a load sets: 4 or 8, the rest is 0 */
	unsigned rt, rt2, rn;
	int64_t offset; /* bytes */
};

/*
 * Decodes INSN. False when it is no load or store of these kinds: exclusives, atomics, structures,
 * tags, prefetches, DC ZVA, and forms that are unallocated or unpredictable.
 */
bool insn_decode(uint32_t insn, struct insn_access *ret_access);

#endif
