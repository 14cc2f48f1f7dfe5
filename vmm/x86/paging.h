/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paging of x86 in all its modes [SDM 3A 4], for walks in software: 32-bit, PAE, 4 and 5 levels.
 * Pure: builds and is tested on every host. Rights are not looked at.
 */
#ifndef VMM_X86_PAGING_H
#define VMM_X86_PAGING_H

#include "vmm/space.h"

struct x86_paging {
	uint64_t cr0, cr3, cr4, efer;
};

void x86_space(const struct x86_paging *regs, struct space *ret_space);

#endif
