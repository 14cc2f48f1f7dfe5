/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Linux setup header and the zero page [Linux Documentation/arch/x86/boot.rst, zero-page.rst],
 * for the files here that read and write them.
 */
#ifndef LOADER_BZIMAGE_H
#define LOADER_BZIMAGE_H

#include "vmm/machine.h"

#define SECTOR 512
#define PAGE   4096

/* The setup header, by offset in the file and in the zero page alike. */
#define HDR_START           0x1F1
#define HDR_SETUP_SECTS     0x1F1
#define HDR_SYSSIZE         0x1F4 /* protected-mode part in 16-byte paragraphs */
#define HDR_VID_MODE        0x1FA
#define HDR_BOOT_FLAG       0x1FE
#define HDR_JUMP_OFFSET     0x201 /* the header ends so many bytes after 0x202 */
#define HDR_MAGIC           0x202 /* "HdrS" */
#define HDR_VERSION         0x206
#define HDR_TYPE_OF_LOADER  0x210
#define HDR_LOADFLAGS       0x211
#define HDR_CODE32_START    0x214
#define HDR_RAMDISK_IMAGE   0x218
#define HDR_RAMDISK_SIZE    0x21C
#define HDR_CMD_LINE_PTR    0x228
#define HDR_INITRD_ADDR_MAX 0x22C
#define HDR_ALIGNMENT       0x230
#define HDR_RELOCATABLE     0x234
#define HDR_MIN_ALIGNMENT   0x235 /* a power of two's exponent; 2.10 */
#define HDR_CMDLINE_SIZE    0x238 /* 2.06 */
#define HDR_PREF_ADDRESS    0x258 /* 2.10 */
#define HDR_INIT_SIZE       0x260 /* 2.10 */
#define HDR_END_MIN         0x23C /* with all of 2.06 */
#define HDR_END_2_10        0x264
#define HDR_END_MAX         0x290 /* struct boot_params has something else from here */

#define BOOT_FLAG         0xAA55
#define LOADED_HIGH       0x01
#define KEEP_SEGMENTS     0x40
#define CAN_USE_HEAP      0x80
#define LOADER_UNDEFINED  0xFF
#define VID_MODE_NORMAL   0xFFFF
#define VERSION_MIN       0x206
#define VERSION_INIT_SIZE 0x20A

/* The rest of the zero page (struct boot_params). */
#define ZERO_PAGE_SIZE  4096
#define ZP_ACPI_RSDP    0x70
#define ZP_E820_COUNT   0x1E8
#define ZP_E820_TABLE   0x2D0
#define E820_ENTRY_SIZE 20
#define E820_RAM        1
#define E820_RESERVED   2

/* The memory map, from the machine's ranges. */
void zero_page_put_e820(uint8_t *zp, const struct machine *m);

#endif
