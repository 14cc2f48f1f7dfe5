/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registers that the fusa contract starts the boot vCPU with (docs/contract-fusa.md), looked at
 * before anything of them is changed. Linked as safety VM's image at 0x100000, or behind setup.S as
 * the non-safety VM's. Stands alone: 32-bit, no stack, no descriptor table of its own. Prints a
 * letter for each thing that does not hold, and their number is the exit code; an H is for a
 * register that the host's KVM does not keep as set.
 */

#define COM1 0x3F8
#define EXIT 0xF4

#define CR0_SET  0x60000031 /* PE ET NE NW CD */
#define CR0_KEPT 0x00000031 /* what any host's KVM keeps of it */
#define KERNEL   0x1000000
#define ZERO     0xFFF000

	.section .boot, "ax"
	.code32
	.globl _start

.macro print letter
	movl $COM1, %edx
	movb $\letter, %al
	outb %al, %dx
.endm

/* If the condition CC holds, prints LETTER and counts it in EBP. Clobbers EAX and EDX. */
.macro fail_if cc, letter
	j\cc 8f
	jmp 9f
8:	print \letter
	incl %ebp
9:
.endm

_start:
	/* MOV leaves the flags alone. */
	movl %eax, saved_eax
	movl %esp, saved_esp
	movl $saved_flags + 4, %esp
	pushfl
	movl %esi, saved_esi
	orl saved_eax, %ebx
	orl saved_esp, %ebx
	orl %ecx, %ebx
	orl %edx, %ebx
	orl %edi, %ebx
	orl %ebp, %ebx
	movl %ebx, saved_general
	xorl %ebp, %ebp

	cmpl $0, saved_general
	fail_if ne, 'a'
	cmpl $2, saved_flags
	fail_if ne, 'b'
	xorl %eax, %eax /* the zero page for a kernel, 0 for the safety VM's image */
	movl $_start, %ecx
	cmpl $KERNEL, %ecx
	jb 2f
	movl $ZERO, %eax
2:	cmpl %eax, saved_esi
	fail_if ne, 'c'

	movl %cr0, %eax
	cmpl $CR0_SET, %eax
	je 3f
	andl $~(CR0_SET ^ CR0_KEPT), %eax
	cmpl $CR0_KEPT, %eax
	fail_if ne, 'd'
	print 'H'
3:	movl %cr3, %eax
	testl %eax, %eax
	fail_if nz, 'e'
	movl %cr4, %eax
	testl %eax, %eax
	fail_if nz, 'f'

	movw %cs, %ax
	cmpw $0x10, %ax
	fail_if ne, 'g'
	movw %ds, %ax
	cmpw $0x18, %ax
	fail_if ne, 'h'
	movw %es, %ax
	cmpw $0x18, %ax
	fail_if ne, 'i'
	movw %ss, %ax
	cmpw $0x18, %ax
	fail_if ne, 'j'
	sgdt saved_table
	cmpw $31, saved_table
	fail_if ne, 'k'
	/* It is ours to use: CS and DS reload from it. */
	movl saved_table + 2, %ecx
	cmpl $0x00CF9B00, 0x14(%ecx)
	fail_if ne, 'l'
	cmpl $0x00CF9300, 0x1C(%ecx)
	fail_if ne, 'm'
	sidt saved_table
	cmpw $0xFFFF, saved_table
	fail_if ne, 'n'
	movl $0x18, %eax
	movl %eax, %ds
	ljmp $0x10, $4f
4:
	/* Every segment reaches the end of 4 GiB. */
	movl $0xFFFFFFFC, %esi
	movl %cs:(%esi), %eax
	movl %ds:(%esi), %eax
	movl %es:(%esi), %eax
	movl %ss:(%esi), %eax

	movl $COM1, %edx
	movl $text, %esi
5:	movb (%esi), %al
	testb %al, %al
	jz 6f
	outb %al, %dx
	incl %esi
	jmp 5b
6:	movl %ebp, %eax
	outl %eax, $EXIT
7:	cli
	hlt
	jmp 7b

text:	.asciz " registers seen\n"

	.data
	.balign 4
saved_general:
	.long 0
saved_eax:
	.long 0
saved_esp:
	.long 0
saved_esi:
	.long 0
saved_flags:
	.long 0
saved_table:
	.skip 8

	.section .note.GNU-stack, "", @progbits
