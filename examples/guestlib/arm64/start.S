/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the loader to C. The boot CPU is entered at the first byte, as a Linux kernel is: X0 is the
 * device tree's address, EL1 or EL2, MMU off [Linux Documentation/arm64/booting.rst]. With
 * GUEST_IMAGE defined, a Linux Image's header stands there, and a loader puts the image 512 KiB
 * after the start of RAM by what that says. Every other CPU comes from PSCI's CPU_ON to
 * secondary_start with its number in X0.
 *
 * Both note the state they find, leave EL2 if they are in it, and end up at EL1 on a stack of their
 * own. CPU 0 turns the MMU on later, in C, and the others here, as they would see nothing else of
 * what CPU 0 wrote through its caches.
 */

#define SPSR_EL1H_MASKED 0x3C5
#define HCR_RW           (1 << 31)
#define SCTLR_RES1       0x30D00980 /* of SCTLR_EL1 in Armv8.0 */
#define SCTLR_M          (1 << 0)
#define SCTLR_C          (1 << 2)
#define SCTLR_I          (1 << 12)
#define SCTLR_WXN        (1 << 19)

/* Attributes 0: Device-nGnRE, 1: Normal, write-back, 2: Normal, not cacheable. */
#define MAIR 0x44FF04
/* 48 bits by 4 KiB pages; tables write-back and inner shareable; no walks for the upper half. */
#define TCR  (16 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23)

/* Offsets and size of struct entry_state. */
#define ENTRY_SIZE 80

	.section .boot, "ax"
	.globl _start
_start:
#ifdef GUEST_IMAGE
	b 1f
	.long 0
	.quad 0x80000		/* text_offset */
	.quad image_size
	.quad 0x2		/* little-endian, pages of 4 KiB, near the start of RAM */
	.quad 0, 0, 0
	.ascii "ARM\x64"
	.long 0
1:
#endif
	mrs x20, cntvct_el0
	bl note_state
	bl leave_el2
	adrp x9, bss_start
	add x9, x9, :lo12:bss_start
	adrp x10, bss_end
	add x10, x10, :lo12:bss_end
1:	cmp x9, x10
	b.hs 2f
	stp xzr, xzr, [x9], #16
	b 1b
2:	mov x0, #0
	bl take_stack
	mov x29, #0		/* where a backtrace ends */
	mov x30, #0
	bl guest_start
1:	wfi
	b 1b

	.text
	.globl secondary_start
secondary_start:
	mrs x20, cntvct_el0
	bl note_state
	bl leave_el2
	bl mmu_on
	mov x0, x21
	bl take_stack
	mov x29, #0
	mov x30, #0
	bl secondary_main
1:	wfi
	b 1b

/* Registers as they are -> X21 to X28; keeps X0 to X3. X20 is the virtual count. */
note_state:
	mov x21, x0
	mov x22, x1
	mov x23, x2
	mov x24, x3
	mrs x25, CurrentEL
	mrs x26, daif
	mrs x28, SPSel
	cmp x25, #(2 << 2)
	b.eq 1f
	mrs x27, sctlr_el1
	ret
1:	mrs x27, sctlr_el2
	ret

/* From EL2, where there is one that is given to us, to EL1. Clobbers X9. */
leave_el2:
	mrs x9, CurrentEL
	cmp x9, #(2 << 2)
	b.ne 1f
	mov x9, #HCR_RW
	msr hcr_el2, x9
	mov x9, #3		/* physical counter and timer are EL1's */
	msr cnthctl_el2, x9
	msr cntvoff_el2, xzr
	mov x9, #0x33FF		/* no traps of floating point */
	msr cptr_el2, x9
	mrs x9, mpidr_el1
	msr vmpidr_el2, x9
	mrs x9, midr_el1
	msr vpidr_el2, x9
	mrs x9, id_aa64pfr0_el1
	ubfx x9, x9, #24, #4
	cbz x9, 2f		/* no system registers for a GIC */
	mov x9, #0xF
	msr icc_sre_el2, x9
	isb
	msr ich_hcr_el2, xzr
2:	ldr x9, =SCTLR_RES1
	msr sctlr_el1, x9
	mov x9, #SPSR_EL1H_MASKED
	msr spsr_el2, x9
	msr elr_el2, x30
	eret
1:	ret

/* The stack, the vectors and the noted state of CPU X0. Clobbers X9 and X10. */
take_stack:
	msr tpidr_el1, x0
	adrp x9, trap_vectors
	add x9, x9, :lo12:trap_vectors
	msr vbar_el1, x9
	mov x9, #(3 << 20)	/* floating point registers do not trap */
	msr cpacr_el1, x9
	isb
	adrp x9, stacks
	add x9, x9, :lo12:stacks
	mov x10, #GUEST_STACK_SIZE
	add x10, x10, x0, lsl #14
	.if GUEST_STACK_SIZE != 1 << 14
	.error "the shift above is not the stack's size"
	.endif
	add sp, x9, x10
	adrp x9, entry_states
	add x9, x9, :lo12:entry_states
	mov x10, #ENTRY_SIZE
	madd x9, x0, x10, x9
	stp x21, x22, [x9]
	stp x23, x24, [x9, #16]
	stp x25, x26, [x9, #32]
	stp x27, x28, [x9, #48]
	mrs x10, mpidr_el1
	stp x20, x10, [x9, #64]
	ret

/* Turns the MMU and the caches on, with page_map. Clobbers X9 and X10. */
	.globl mmu_on
mmu_on:
	ldr x9, =MAIR
	msr mair_el1, x9
	ldr x9, =TCR
	mrs x10, id_aa64mmfr0_el1
	and x10, x10, #7	/* PARange; 5 is 48 bits */
	cmp x10, #5
	b.ls 1f
	mov x10, #5
1:	bfi x9, x10, #32, #3
	msr tcr_el1, x9
	adrp x9, page_map
	msr ttbr0_el1, x9
	isb
	tlbi vmalle1
	ic iallu
	dsb nsh
	isb
	mrs x9, sctlr_el1
	ldr x10, =(SCTLR_M | SCTLR_C | SCTLR_I)
	orr x9, x9, x10
	bic x9, x9, #SCTLR_WXN
	msr sctlr_el1, x9
	isb
	ret

	.section .stacks, "aw", @nobits
	.balign GUEST_STACK_SIZE
	.globl stacks
stacks:	.skip GUEST_CPUS_MAX * GUEST_STACK_SIZE

	.section .note.GNU-stack, "", @progbits
