/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the loader to C. The boot CPU starts in 32-bit protected mode with paging off, as Multiboot
 * 0.6.96 section 3.2 and Multiboot 2 section 3.3 have it, with the magic in EAX and the address of
 * the information in EBX; a raw or plain ELF image starts the same way with other values there.
 * Every other CPU starts in real mode at ap_trampoline, which has been copied below 1 MiB.
 * Both go to long mode with the first 4 GiB mapped to themselves.
 *
 * Left out: the multiboot header's video request and load address fields.
 */

/* In gdt below. */
#define SEL_CODE64 0x08
#define SEL_DATA   0x10

#define CR0_PE     0x00000001
#define CR0_PG     0x80000000
#define CR4_PAE    0x20
#define MSR_EFER   0xC0000080
#define EFER_LME   0x100

	.section .boot, "ax"
	.code32
	.globl _start
_start:
	jmp 1f /* a raw image is entered at its first byte: step over the headers */

#ifdef GUEST_MULTIBOOT
	.balign 4
	.long 0x1BADB002
	.long 0x00000003 /* modules page-aligned, memory information wanted */
	.long -(0x1BADB002 + 0x00000003)
#endif
#ifdef GUEST_MULTIBOOT2
	.balign 8
mb2_header:
	.long 0xE85250D6
	.long 0 /* i386, 32-bit protected mode */
	.long mb2_header_end - mb2_header
	.long -(0xE85250D6 + 0 + (mb2_header_end - mb2_header))
	.short 0, 0 /* end tag */
	.long 8
mb2_header_end:
#endif

1:	cld
	movl %eax, boot_magic
	movl %ebx, boot_information
	movl $bss_start, %edi /* an ELF loader has zeroed it; nobody has for a raw image */
	movl $bss_end, %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	xorl %eax, %eax
	rep stosl
	movl $stacks + GUEST_STACK_SIZE, %esp

	lgdt gdt_pointer
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $page_map, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl $(CR0_PG | CR0_PE | 0x10), %eax /* 0x10: ET, always 1 */
	movl %eax, %cr0
	ljmp $SEL_CODE64, $start64

	.code64
start64:
	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	xorl %ebp, %ebp /* where a backtrace ends */
	call guest_start
1:	cli
	hlt
	jmp 1b

/*
 * Copied to AP_TRAMPOLINE (a multiple of 4 KiB below 1 MiB); entered in real mode with
 * CS = AP_TRAMPOLINE / 16 and IP 0. [SDM 3A 9.4.4]
 */
	.code16
	.globl ap_trampoline, ap_trampoline_end
ap_trampoline:
	cli
	movw %cs, %ax
	movw %ax, %ds
	lgdtl ap_gdt_pointer - ap_trampoline
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $page_map, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl $(CR0_PG | CR0_PE | 0x10), %eax
	movl %eax, %cr0
	ljmpl $SEL_CODE64, $ap_start64
	.balign 4
ap_gdt_pointer:
	.short gdt_end - gdt - 1
	.long gdt
ap_trampoline_end:

	.code64
ap_start64:
	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq ap_stack_top, %rsp
	xorl %ebp, %ebp
	call ap_main
1:	cli
	hlt
	jmp 1b

	.data
	.balign 8
	.globl gdt
gdt:	.quad 0
	.quad 0x00AF9A000000FFFF /* SEL_CODE64 */
	.quad 0x00CF92000000FFFF /* SEL_DATA */
gdt_end:
	.balign 4
gdt_pointer:
	.short gdt_end - gdt - 1
	.long gdt

	.globl boot_magic, boot_information
boot_magic:
	.long 0
boot_information:
	.long 0

/*
 * 4-level paging, 2 MiB pages, present and writable; above 2 GiB, where this machine has its
 * devices, also uncached (PCD).
 */
	.balign 4096
	.globl page_map, page_directory_pointers
page_map:
	.quad page_directory_pointers + 3
	.fill 511, 8, 0
page_directory_pointers:
	.quad page_directories + 0x0003
	.quad page_directories + 0x1003
	.quad page_directories + 0x2003
	.quad page_directories + 0x3003
	.fill 508, 8, 0
page_directories:
	.set page, 0
	.rept 1024
	.quad page + 0x83
	.set page, page + 0x200000
	.endr
	.rept 1024
	.quad page + 0x93
	.set page, page + 0x200000
	.endr

	.section .stacks, "aw", @nobits
	.balign GUEST_STACK_SIZE
	.globl stacks
stacks:	.skip GUEST_CPUS_MAX * GUEST_STACK_SIZE

	.section .note.GNU-stack, "", @progbits
