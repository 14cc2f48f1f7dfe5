/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stage 1 translation of EL1 and EL0 [Arm ARM DDI 0487 D8], for walks in software. Pure: builds
 * and is tested on every host. Left out: big-endian tables, and addresses of 52 bits.
 */
#ifndef VMM_ARM64_PAGING_H
#define VMM_ARM64_PAGING_H

#include "vmm/space.h"

struct arm64_paging {
	uint64_t sctlr, tcr, ttbr0, ttbr1; /* of EL1 */
};

/* The address space of REGS; without trees where they are of a kind not known here. */
void arm64_space(const struct arm64_paging *regs, struct space *ret_space);

#endif
