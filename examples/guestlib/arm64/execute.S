/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * void execute(struct registers *r, uint32_t insn): runs one instruction, neither a branch nor one
 * that uses the stack pointer, with all registers as R says, and puts them into R as they are then.
 * CPU 0 only: there is one place for the instruction, execute_slot.
 */

/* Offset of struct registers' v. */
#define VECTORS 256

/* All vectors at X9, and X2 to X29 at X0. */
.macro vectors insn
	\insn q0, q1, [x9, #0]
	\insn q2, q3, [x9, #32]
	\insn q4, q5, [x9, #64]
	\insn q6, q7, [x9, #96]
	\insn q8, q9, [x9, #128]
	\insn q10, q11, [x9, #160]
	\insn q12, q13, [x9, #192]
	\insn q14, q15, [x9, #224]
	\insn q16, q17, [x9, #256]
	\insn q18, q19, [x9, #288]
	\insn q20, q21, [x9, #320]
	\insn q22, q23, [x9, #352]
	\insn q24, q25, [x9, #384]
	\insn q26, q27, [x9, #416]
	\insn q28, q29, [x9, #448]
	\insn q30, q31, [x9, #480]
.endm

.macro general insn
	\insn x2, x3, [x0, #16]
	\insn x4, x5, [x0, #32]
	\insn x6, x7, [x0, #48]
	\insn x8, x9, [x0, #64]
	\insn x10, x11, [x0, #80]
	\insn x12, x13, [x0, #96]
	\insn x14, x15, [x0, #112]
	\insn x16, x17, [x0, #128]
	\insn x18, x19, [x0, #144]
	\insn x20, x21, [x0, #160]
	\insn x22, x23, [x0, #176]
	\insn x24, x25, [x0, #192]
	\insn x26, x27, [x0, #208]
	\insn x28, x29, [x0, #224]
.endm

	.text
	.arch_extension simd
	.globl execute, execute_slot
execute:
	stp x19, x20, [sp, #-96]!
	stp x21, x22, [sp, #16]
	stp x23, x24, [sp, #32]
	stp x25, x26, [sp, #48]
	stp x27, x28, [sp, #64]
	stp x29, x30, [sp, #80]
	adr x9, execute_slot
	str w1, [x9]
	dc cvau, x9
	dsb ish
	ic ivau, x9
	dsb ish
	isb
	msr tpidr_el0, x0
	add x9, x0, #VECTORS
	vectors ldp
	general ldp
	ldr x30, [x0, #240]
	ldp x0, x1, [x0]

execute_slot:
	nop

	msr tpidrro_el0, x0
	mrs x0, tpidr_el0
	general stp
	str x30, [x0, #240]
	mrs x2, tpidrro_el0
	stp x2, x1, [x0]
	add x9, x0, #VECTORS
	vectors stp
	ldp x21, x22, [sp, #16]
	ldp x23, x24, [sp, #32]
	ldp x25, x26, [sp, #48]
	ldp x27, x28, [sp, #64]
	ldp x29, x30, [sp, #80]
	ldp x19, x20, [sp], #96
	ret

	.section .note.GNU-stack, "", @progbits
