/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupt controllers and interval timer as a BIOS leaves them (machine: {bios_pic: on}): masks,
 * vectors 0x08 and 0x70, channel 0 counting. Stands alone, 32-bit: an interrupt is not returned from,
 * because not every host's KVM can. Ends with 0 in the interrupt of the timer, else with the number of
 * what does not hold.
 */

#define EXIT 0xF4

#define MASTER      0x20
#define MASTER_MASK 0x21
#define SLAVE_MASK  0xA1
#define PIT_DATA    0x40
#define PIT_CONTROL 0x43

#define VECTOR_TIMER 8
#define CODE_SEGMENT 8

	.text
	.code32
	.globl _start
_start:
	jmp 1f
	.balign 4
	.long 0x1BADB002, 0x00000002, -(0x1BADB002 + 0x00000002)

/* Ends with NUMBER unless the condition CC holds. */
.macro require cc, number
	j\cc 9f
	movl $\number, %eax
	jmp end
9:
.endm

1:	movl $stack, %esp
	inb $MASTER_MASK, %al
	cmpb $0xF9, %al
	require e, 1
	inb $SLAVE_MASK, %al
	cmpb $0xFE, %al
	require e, 2

	/* The counter counts: two readings of it differ before long. */
	call read_count
	movl %eax, %ebx
	movl $100000, %ecx
2:	call read_count
	cmpl %ebx, %eax
	jne 3f
	decl %ecx
	jnz 2b
3:	cmpl $0, %ecx
	require ne, 3

	/* The timer's interrupt is vector 8; the others end with 4. */
	lgdt gdt_register
	ljmp $CODE_SEGMENT, $4f
4:	movl $idt, %edi
	movl $256, %ecx
	movl $other, %eax
5:	call put_gate
	loop 5b
	movl $idt + 8 * VECTOR_TIMER, %edi
	movl $timer, %eax
	call put_gate
	lidt idt_register
	inb $MASTER_MASK, %al
	andb $0xFE, %al
	outb %al, $MASTER_MASK
	sti
6:	hlt
	jmp 6b

timer:	xorl %eax, %eax
	jmp end
other:	movl $4, %eax
end:	outl %eax, $EXIT
7:	cli
	hlt
	jmp 7b

/* The count of channel 0, latched, in EAX. */
read_count:
	movb $0, %al
	outb %al, $PIT_CONTROL
	xorl %eax, %eax
	inb $PIT_DATA, %al
	movb %al, %dl
	inb $PIT_DATA, %al
	shll $8, %eax
	movb %dl, %al
	ret

/* An interrupt gate at EDI, which moves on, to the handler EAX. */
put_gate:
	movw %ax, (%edi)
	movw $CODE_SEGMENT, 2(%edi)
	movw $0x8E00, 4(%edi)
	rorl $16, %eax
	movw %ax, 6(%edi)
	rorl $16, %eax
	addl $8, %edi
	ret

	.data
	.balign 8
gdt:	.quad 0, 0x00CF9B000000FFFF
gdt_register:
	.word 15
	.long gdt
idt_register:
	.word 8 * 256 - 1
	.long idt

	.bss
	.balign 8
idt:	.skip 8 * 256
	.skip 256
stack:

	.section .note.GNU-stack, "", @progbits
