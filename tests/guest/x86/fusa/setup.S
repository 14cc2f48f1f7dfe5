/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A Linux setup header before an image linked at IMAGE_BASE, which makes it a bzImage of two
 * sectors and code [Linux Documentation/arch/x86/boot.rst]: what the non-safety VM of the fusa
 * contract boots. With what the contract does not look at left 0, as ACRN's own test images have it.
 */
	.section .setup, "a"
	.org 0x1F1
	.byte 1			/* setup_sects: the code begins at 2 * 512 */
	.org 0x1FE
	.word 0xAA55
	.word 0x66EB		/* jump over the header */
	.ascii "HdrS"
	.word 0x206		/* version: the zero page has another */
	.org 0x210
	.byte 0, 0x81		/* type_of_loader, loadflags: both are replaced */
	.org 0x214
	.long 0x100000		/* code32_start */
	.long 0x11111111, 0x22222222 /* ramdisk_image and size: both are cleared */
	.org 0x234
	.byte 1			/* relocatable_kernel */
	.org 0x238
	.long 2047		/* cmdline_size */
	.org 0x258
	.quad 0x1000000		/* pref_address */
	.org 0x268
	.long 0x33333333	/* kernel_info_offset: not in the zero page */
	.org 0x400

	.section .note.GNU-stack, "", @progbits
