/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bench's guests: multiboot 1 images of a few instructions, the same for every monitor. COM1 at
 * 0x3F8 takes the markers that the driver waits for, port 0xF4 ends the run. One of these is
 * defined:
 *
 *   GUEST_START    writes START as its first act, then ends
 *   GUEST_PORT     START; GUEST_EXITS writes to port 0x80; STOP; ends
 *   GUEST_IDLE     START; halts, woken by the PIT at 100 Hz; ends after GUEST_TICKS
 *   GUEST_COMPUTE  the same, computing instead of halting
 *
 * START and STOP are the letters S and E. Interrupt handlers never return by IRET: software-based
 * KVMs do not emulate it.
 */
#define COM1      0x3F8
#define PORT_POST 0x80
#define PORT_EXIT 0xF4

#define PIC1        0x20
#define PIC2        0xA0
#define PIT         0x40
#define PIT_DIVISOR 11932 /* of 1193182 Hz: 100 Hz */
#define VECTOR_IRQ0 0x20

#define CODE 0x08
#define DATA 0x10

.macro mark letter
	mov	$COM1, %dx
	mov	$\letter, %al
	outb	%al, %dx
.endm

.macro out8 value, port
	mov	$\value, %al
	outb	%al, $\port
.endm

	.code32
	.text
	.balign	4
	.long	0x1BADB002, 0, -0x1BADB002	/* [Multiboot 0.6.96 3.1.1] */

	.globl	_start
_start:
#ifdef GUEST_START
	mark	'S'
#endif

#ifdef GUEST_PORT
	mov	$GUEST_EXITS / 16, %ecx		/* caches and branch predictors */
1:	outb	%al, $PORT_POST
	dec	%ecx
	jnz	1b
	mark	'S'
	mov	$GUEST_EXITS, %ecx
1:	outb	%al, $PORT_POST
	dec	%ecx
	jnz	1b
	mark	'E'
#endif

#if defined(GUEST_IDLE) || defined(GUEST_COMPUTE)
	mov	$stack_top, %esp
	lgdt	gdt_pointer
	ljmp	$CODE, $1f
1:	mov	$DATA, %eax
	mov	%eax, %ds
	mov	%eax, %ss

	mov	$timer, %eax
	mov	%ax, idt + 8 * VECTOR_IRQ0
	shr	$16, %eax
	mov	%ax, idt + 8 * VECTOR_IRQ0 + 6
	lidt	idt_pointer

	out8	0x11, PIC1			/* [8259A] ICW1 to ICW4; all but IRQ 0 masked */
	out8	VECTOR_IRQ0, PIC1 + 1
	out8	0x04, PIC1 + 1
	out8	0x01, PIC1 + 1
	out8	0xFE, PIC1 + 1
	out8	0xFF, PIC2 + 1
	out8	0x34, PIT + 3			/* [8254] counter 0, mode 2 */
	out8	PIT_DIVISOR & 0xFF, PIT
	out8	PIT_DIVISOR >> 8, PIT

	mark	'S'
	xor	%ebx, %ebx
wait:
	sti
1:
#ifdef GUEST_IDLE
	hlt
#else
	add	$1, %ecx
	rol	$3, %ecx
#endif
	jmp	1b

timer:
	mov	$stack_top, %esp
	out8	0x20, PIC1			/* end of interrupt */
	inc	%ebx
	cmp	$GUEST_TICKS, %ebx
	jb	wait
#endif

	xor	%eax, %eax
	outb	%al, $PORT_EXIT
1:	cli
	hlt
	jmp	1b

#if defined(GUEST_IDLE) || defined(GUEST_COMPUTE)
	.data
	.balign	8
gdt:	.quad	0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF
idt:	.fill	VECTOR_IRQ0, 8, 0
	.word	0, CODE, 0x8E00, 0		/* 32-bit interrupt gate [SDM 3A 6.11] */
idt_end:
gdt_pointer:
	.word	idt - gdt - 1
	.long	gdt
idt_pointer:
	.word	idt_end - idt - 1
	.long	idt

	.bss
	.balign	16
	.skip	256
stack_top:
#endif

	.section .note.GNU-stack, "", @progbits
