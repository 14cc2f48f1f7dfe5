/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stage 1 translation of EL1 and EL0, made in software from the guest's tables, to find the
 * instruction that a vCPU is at [Arm ARM DDI 0487 D8]. Pure: builds and is tested on every host.
 */
#ifndef VMM_ARM64_WALK_H
#define VMM_ARM64_WALK_H

#include "vmm/gmem.h"

struct walk_regs {
	uint64_t sctlr, tcr, ttbr0, ttbr1; /* of EL1 */
};

/*
 * The guest-physical address of VA. False when it is not mapped, a table is outside of RAM, or the
 * tables are of a kind not known here: big-endian, or with addresses of 52 bits.
 */
bool walk_translate(
	const struct gmem *gmem, const struct walk_regs *regs, uint64_t va, gpa_t *ret_gpa);

#endif
