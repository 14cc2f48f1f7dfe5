/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 256 interrupt and exception entries, and the way back.
 *
 * The way back is not IRETQ: on a KVM that runs guest kernel code in its instruction emulator, IRET
 * ends the guest. Everything here runs at one privilege level on one stack, so the interrupted
 * place can be reached by an ordinary return: its RIP and RFLAGS are put just below its RSP (the
 * interrupted code has no red zone), and popped off there. STI delays interrupts by one
 * instruction, so none comes between setting IF and the return. NMIs stay blocked for good.
 */

/* Offsets into struct trap_frame (x86.h). */
#define FRAME_VECTOR 120
#define FRAME_RIP    136
#define FRAME_RFLAGS 152
#define FRAME_RSP    160
#define RFLAGS_IF    0x200

	.text
	.code64

	.balign 16
	.globl trap_entries
trap_entries:
	.set vector, 0
	.rept 256
	.balign 16
	/* The processor pushes an error code for these vectors; push a 0 for the others. */
	.if vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21 && \
		vector != 29 && vector != 30
	pushq $0
	.endif
	pushq $vector
	jmp trap_common
	.set vector, vector + 1
	.endr

trap_common:
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	movq %rsp, %rdi
	call trap_handle

	/* Put RFLAGS and RIP below the interrupted RSP, and where they are into the frame. */
	movq FRAME_RIP(%rsp), %rax
	movq FRAME_RFLAGS(%rsp), %rcx
	movq FRAME_RSP(%rsp), %rdx
	movq %rcx, %rbx
	andq $~RFLAGS_IF, %rcx
	movq %rax, -8(%rdx)
	movq %rcx, -16(%rdx)
	subq $16, %rdx
	movq %rdx, FRAME_VECTOR(%rsp)
	testl $RFLAGS_IF, %ebx
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	popq %rcx
	popq %rax
	movq (%rsp), %rsp
	jz 1f
	popfq
	sti
	ret
1:	popfq
	ret

	.section .note.GNU-stack, "", @progbits
