/* SPDX-License-Identifier: BSD-3-Clause */
/* The state in which a boot vCPU starts: what a loader decides and vmm/<arch>/ puts into registers.
 */
#ifndef VMM_ENTRY_H
#define VMM_ENTRY_H

#include "vmm/gmem.h"

#include <stdint.h>

enum entry_mode {
	/*
	 * x86 protected mode as multiboot and the 32-bit Linux boot protocol want it: flat 4 GiB
	 * segments, paging off, interrupts off, A20 on.
	 */
	ENTRY_X86_PROTECTED,
	/*
	 * EL1h, MMU and caches off, interrupts masked, X0 the device tree, X1 to X3 0
	 * [Linux Documentation/arch/arm64/booting.rst].
	 */
	ENTRY_ARM64,
};

struct entry_state {
	enum entry_mode mode;
	gpa_t pc;
	struct {
		uint32_t eax, ebx, esi; /* the other general registers are 0 */
		uint16_t cs, ds;        /* selectors; DS stands for DS ES FS GS SS */
		gpa_t gdt;              /* 0: GDTR is left at its reset value */
		uint16_t gdt_limit;
	} x86;
	struct {
		gpa_t dtb; /* where the device tree goes: claimed, not written */
		uint64_t dtb_room;
		gpa_t initrd;
		uint64_t initrd_size; /* 0: there is none */
	} arm64;
};

#endif
