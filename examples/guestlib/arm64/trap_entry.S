/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The exception vectors [DDI 0487 D1.3.1], and the way back; and the two instructions that may fail
 * without harm. Everything runs at EL1 on one stack per CPU.
 */

/* Offsets and size of struct trap_frame. */
#define FRAME_PC     248
#define FRAME_ESR    264
#define FRAME_VECTOR 280
#define FRAME_SIZE   288

	.text
	.balign 2048
	.globl trap_vectors
trap_vectors:
	.set vector, 0
	.rept 16
	.balign 128
	sub sp, sp, #FRAME_SIZE
	stp x0, x1, [sp]
	mov x0, #vector
	b trap_common
	.set vector, vector + 1
	.endr

	.balign 128
trap_common:
	stp x2, x3, [sp, #16]
	stp x4, x5, [sp, #32]
	stp x6, x7, [sp, #48]
	stp x8, x9, [sp, #64]
	stp x10, x11, [sp, #80]
	stp x12, x13, [sp, #96]
	stp x14, x15, [sp, #112]
	stp x16, x17, [sp, #128]
	stp x18, x19, [sp, #144]
	stp x20, x21, [sp, #160]
	stp x22, x23, [sp, #176]
	stp x24, x25, [sp, #192]
	stp x26, x27, [sp, #208]
	stp x28, x29, [sp, #224]
	str x30, [sp, #240]
	str x0, [sp, #FRAME_VECTOR]
	mrs x0, elr_el1
	mrs x1, spsr_el1
	stp x0, x1, [sp, #FRAME_PC]
	mrs x0, esr_el1
	mrs x1, far_el1
	stp x0, x1, [sp, #FRAME_ESR]
	mov x0, sp
	bl trap_handle

	ldp x0, x1, [sp, #FRAME_PC]
	msr elr_el1, x0
	msr spsr_el1, x1
	ldp x2, x3, [sp, #16]
	ldp x4, x5, [sp, #32]
	ldp x6, x7, [sp, #48]
	ldp x8, x9, [sp, #64]
	ldp x10, x11, [sp, #80]
	ldp x12, x13, [sp, #96]
	ldp x14, x15, [sp, #112]
	ldp x16, x17, [sp, #128]
	ldp x18, x19, [sp, #144]
	ldp x20, x21, [sp, #160]
	ldp x22, x23, [sp, #176]
	ldp x24, x25, [sp, #192]
	ldp x26, x27, [sp, #208]
	ldp x28, x29, [sp, #224]
	ldr x30, [sp, #240]
	ldp x0, x1, [sp], #FRAME_SIZE
	eret

/* An exception at FROM goes on at TO. */
.macro fixup from, to
	.pushsection .fixups, "a"
	.quad \from, \to
	.popsection
.endm

/* bool probe_read32(uint64_t address, uint32_t *ret_value) */
	.globl probe_read32
probe_read32:
1:	ldr w2, [x0]
	str w2, [x1]
	mov w0, #1
	ret
2:	mov w0, #0
	ret
	fixup 1b, 2b

/* void semihosting_call(uint64_t operation, const void *block) */
	.globl semihosting_call
semihosting_call:
1:	hlt #0xF000
2:	ret
	fixup 1b, 2b

	.section .note.GNU-stack, "", @progbits
