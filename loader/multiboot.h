/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both versions of the multiboot specification share: the address fields of images that are
 * not ELF, modules, and what the memory map is made of. Internal to loader/.
 */
#ifndef LOADER_MULTIBOOT_H
#define LOADER_MULTIBOOT_H

#include "loader/load.h"

#define MULTIBOOT_LOADER_NAME "bulkhead"

/* Memory types, of both versions' maps. */
#define MULTIBOOT_RAM      1
#define MULTIBOOT_RESERVED 2

/* The address fields: where header and image go. All are physical. */
struct multiboot_address {
	uint32_t header_addr;
	uint32_t load_addr;
	uint32_t load_end_addr; /* 0: to the end of the file */
	uint32_t bss_end_addr;  /* 0: no bss */
};

/*
 * The image that ADDR describes, its header being at HEADER_OFFSET of the file. The caller sets the
 * entry.
 */
int multiboot_parse_address(struct load *l, const struct multiboot_address *addr,
	size_t header_offset, struct image *ret_image);

struct multiboot_module {
	uint32_t start;
	uint32_t end; /* first byte after it */
	const char *string;
};

/*
 * Loads the request's modules, each on pages of its own: above the image, whose end is AFTER, or,
 * if they do not fit there, anywhere in RAM above 1 MiB and below 4 GiB. RET has room for
 * LOADER_MODULES_MAX.
 */
int multiboot_load_modules(struct load *l, gpa_t after, struct multiboot_module *ret);

/* KiB of RAM from 0, at most 640, and from 1 MiB to the first hole [Multiboot 0.6.96 3.3]. */
uint32_t multiboot_mem_lower(const struct machine *m);
uint32_t multiboot_mem_upper(const struct machine *m);

/*
 * The command line as GRUB Legacy and QEMU pass it and as Xen expects it of every loader but
 * GRUB 2: the image's name, a space, the plan's command line. The name is without its directory:
 * nothing of the host leaks. A malloc'd string, or NULL.
 */
char *multiboot_cmdline(const struct load *l);

#endif
