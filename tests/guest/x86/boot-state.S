/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state in which a multiboot image is entered [Multiboot 0.6.96 section 3.2], looked at before
 * anything of it is changed. Stands alone: 32-bit, no stack, no descriptor table of its own. Prints
 * one letter for each thing that does not hold, and gives their number as exit code.
 */

#define COM1 0x3F8
#define EXIT 0xF4

#define MAGIC     0x2BADB002
#define CR0_PE    0x00000001
#define CR0_PG    0x80000000
#define FLAGS_OFF 0x00024700 /* VM, NT, DF, IF, TF */

	.text
	.code32
	.globl _start
_start:
	jmp 1f
	.balign 4
	.long 0x1BADB002, 0x00000002, -(0x1BADB002 + 0x00000002)

/* If the condition CC holds, prints LETTER and counts it in EBP. Clobbers EAX and EDX. */
.macro fail_if cc, letter
	j\cc 8f
	jmp 9f
8:	movl $COM1, %edx
	movb $\letter, %al
	outb %al, %dx
	incl %ebp
9:
.endm

1:	movl %eax, saved_eax
	movl %ebx, saved_ebx
	movl %cr0, %eax
	movl %eax, saved_cr0
	movl $saved_flags + 4, %esp
	pushfl
	movl %edi, saved_general
	orl %esi, saved_general
	orl %ecx, saved_general
	orl %edx, saved_general
	orl %ebp, saved_general
	xorl %ebp, %ebp

	cmpl $MAGIC, saved_eax
	fail_if ne, 'a'
	testl $3, saved_ebx /* the information is aligned, and below 4 GiB it must be */
	fail_if nz, 'b'
	cmpl $0, saved_ebx
	fail_if e, 'c'
	movl saved_cr0, %eax
	andl $(CR0_PE | CR0_PG), %eax
	cmpl $CR0_PE, %eax
	fail_if ne, 'd'
	testl $FLAGS_OFF, saved_flags
	fail_if nz, 'e'

	/* Every segment is flat: the same bytes through each, and the top of 4 GiB within limits. */
	movl $saved_cr0, %esi
	movl saved_cr0, %ecx
	cmpl %cs:(%esi), %ecx
	fail_if ne, 'f'
	cmpl %es:(%esi), %ecx
	fail_if ne, 'g'
	cmpl %fs:(%esi), %ecx
	fail_if ne, 'h'
	cmpl %gs:(%esi), %ecx
	fail_if ne, 'i'
	cmpl %ss:(%esi), %ecx
	fail_if ne, 'j'
	movl $0xFFFFFFFC, %esi
	movl %cs:(%esi), %eax
	movl %ds:(%esi), %eax
	movl %es:(%esi), %eax
	movl %fs:(%esi), %eax
	movl %gs:(%esi), %eax
	movl %ss:(%esi), %eax

	/* A20: the same place one MiB apart is not the same place. */
	movl $0x12345678, a20_mark
	movl $a20_mark, %esi
	xorl $0x100000, %esi
	movl $0x9ABCDEF0, (%esi)
	cmpl $0x12345678, a20_mark
	fail_if ne, 'k'

	/* The information says that there is memory: flag 0, and some of it above 1 MiB. */
	movl saved_ebx, %ebx
	testl $1, (%ebx)
	fail_if z, 'l'
	cmpl $1024, 8(%ebx)
	fail_if b, 'm'
	/* Other registers: left free by the specification; here they are 0. */
	cmpl $0, saved_general
	fail_if ne, 'n'

	movl $COM1, %edx
	movl $text, %esi
2:	movb (%esi), %al
	testb %al, %al
	jz 3f
	outb %al, %dx
	incl %esi
	jmp 2b
3:	movl %ebp, %eax
	outl %eax, $EXIT
4:	cli
	hlt
	jmp 4b

text:	.asciz " boot state seen\n"

	.data
	.balign 4
saved_eax:
	.long 0
saved_ebx:
	.long 0
saved_cr0:
	.long 0
saved_general:
	.long 0
saved_flags:
	.long 0
a20_mark:
	.long 0

	.section .note.GNU-stack, "", @progbits
