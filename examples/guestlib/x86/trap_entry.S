/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 256 interrupt and exception entries, and the way back [SDM 3A 6.14]. Everything runs at one
 * privilege level on one stack per CPU.
 *
 * The way back is IRETQ. Its 32-bit form ends a guest on a software-based KVM (kvm_pvm), where the
 * 64-bit one has been found to work, as on nested hardware KVM and in QEMU.
 */

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
	addq $16, %rsp /* vector and error code */
	iretq

	.section .note.GNU-stack, "", @progbits
