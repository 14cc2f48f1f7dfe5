/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Multiboot 1 [Multiboot Specification 0.6.96]: ELF images and images with address fields. The
 * information structure has memory sizes and map, command line, modules and loader name. Left out:
 * video modes (a request is answered by the absence of video information), boot device, symbols
 * and section headers, drives, ROM configuration table, APM.
 */
#include "loader/multiboot.h"
#include "vmm/layout_x86.h"

#define HEADER_MAGIC  0x1BADB002
#define HEADER_SEARCH 8192 /* the header lies in the first so many bytes, 4-aligned */
#define ENTRY_MAGIC   0x2BADB002

/* Header flags [3.1.2]; bits 0-15 are requirements. */
#define FLAG_PAGE_ALIGN 0x00000001u /* modules always are */
#define FLAG_MEMORY     0x00000002u /* always there */
#define FLAG_VIDEO      0x00000004u
#define FLAG_ADDRESS    0x00010000u
#define FLAGS_REQUIRED  0x0000FFFFu

/* Header sizes without and with the address fields. */
#define HEADER_SIZE         12
#define HEADER_ADDRESS_SIZE 32

/* The information structure [3.3]: offsets and flags of what is used. */
#define INFO_SIZE        116
#define INFO_FLAGS       0
#define INFO_MEM_LOWER   4
#define INFO_MEM_UPPER   8
#define INFO_CMDLINE     16
#define INFO_MODS_COUNT  20
#define INFO_MODS_ADDR   24
#define INFO_MMAP_LENGTH 44
#define INFO_MMAP_ADDR   48
#define INFO_LOADER_NAME 64
#define INFO_FLAGS_VALUE (1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9)
#define MMAP_ENTRY_SIZE  24
#define MODULE_SIZE      16

bool multiboot_find(const uint8_t *data, size_t size, size_t *ret_offset)
{
	size_t end = min_u64(size, HEADER_SEARCH);

	for (size_t at = 0; at + HEADER_SIZE <= end; at += 4) {
		if (get_le32(data + at) == HEADER_MAGIC &&
			!(HEADER_MAGIC + get_le32(data + at + 4) + get_le32(data + at + 8))) {
			*ret_offset = at;
			return true;
		}
	}
	return false;
}

/* Why there is no header: a magic number whose checksum is wrong is worth naming. */
static int report_no_header(struct load *l)
{
	size_t end = min_u64(l->size, HEADER_SEARCH);

	for (size_t at = 0; at + HEADER_SIZE <= end; at += 4) {
		const uint8_t *h = l->data + at;

		if (get_le32(h) == HEADER_MAGIC)
			return load_error(l, &l->req->image,
				"the multiboot header at offset %#zx has checksum %#x, wanted %#x; correct the header",
				at, get_le32(h + 8), -(HEADER_MAGIC + get_le32(h + 4)));
	}
	return load_error(l, &l->req->image,
		"no multiboot header (%#x, 4-aligned) in the first %d bytes; put it into the first section of the image",
		HEADER_MAGIC, HEADER_SEARCH);
}

static int parse(struct load *l, size_t at, struct image *image)
{
	const struct loader_file *file = &l->req->image;
	const uint8_t *h = l->data + at;
	uint32_t flags = get_le32(h + 4);
	uint32_t unknown = flags & FLAGS_REQUIRED & ~(FLAG_PAGE_ALIGN | FLAG_MEMORY | FLAG_VIDEO);
	struct multiboot_address a;
	int ret;

	if (unknown)
		return load_error(l, file,
			"the multiboot header at offset %#zx requires features %#x (flags %#x), which version 0.6.96 does not define; clear them",
			at, unknown, flags);
	if (flags & FLAG_VIDEO)
		load_warning(l, file,
			"asks for a video mode (multiboot flags bit 2), but there is no screen; use the serial port");
	if (!(flags & FLAG_ADDRESS)) {
		if (!elf_detect(l->data, l->size))
			return load_error(l, file,
				"not an ELF file, and the multiboot header at offset %#zx has no address fields (flags %#x, bit 16 clear); link it as ELF or fill them in",
				at, flags);
		return elf_parse(l, image);
	}
	if (at + HEADER_ADDRESS_SIZE > min_u64(l->size, HEADER_SEARCH))
		return load_error(l, file,
			"the address fields of the multiboot header at offset %#zx pass byte %ju; move the header forward",
			at, (uintmax_t)min_u64(l->size, HEADER_SEARCH));
	a = (struct multiboot_address){
		get_le32(h + 12), get_le32(h + 16), get_le32(h + 20), get_le32(h + 24)};
	ret = multiboot_parse_address(l, &a, at, image);
	if (!ret)
		image->entry = get_le32(h + 28);
	return ret;
}

/* The information structure while it is built: everything is at INFO plus the same offset. */
struct info {
	uint8_t *bytes;
	uint32_t base; /* GPA */
	uint32_t used;
};

static uint32_t info_put(struct info *info, const void *data, size_t size)
{
	uint32_t at = info->used;

	memcpy(info->bytes + at, data, size);
	info->used += (uint32_t)size;
	return info->base + at;
}

static uint32_t info_put_string(struct info *info, const char *s)
{
	return info_put(info, s, strlen(s) + 1);
}

static void put_mmap(struct info *info, const struct machine *m)
{
	put_le32(info->bytes + INFO_MMAP_LENGTH, m->range_count * MMAP_ENTRY_SIZE);
	put_le32(info->bytes + INFO_MMAP_ADDR, info->base + info->used);
	for (unsigned i = 0; i < m->range_count; i++) {
		const struct machine_range *r = &m->ranges[i];
		uint8_t e[MMAP_ENTRY_SIZE];

		put_le32(e, MMAP_ENTRY_SIZE - 4); /* the size field does not count itself */
		put_le64(e + 4, r->base);
		put_le64(e + 12, r->size);
		put_le32(e + 20, r->type == RANGE_RAM ? MULTIBOOT_RAM : MULTIBOOT_RESERVED);
		info_put(info, e, sizeof(e));
	}
}

static void put_modules(struct info *info, const struct multiboot_module *modules, unsigned count)
{
	uint32_t table = info->used;

	put_le32(info->bytes + INFO_MODS_COUNT, count);
	put_le32(info->bytes + INFO_MODS_ADDR, info->base + table);
	info->used += count * MODULE_SIZE;
	for (unsigned i = 0; i < count; i++) {
		uint8_t *e = info->bytes + table + (size_t)i * MODULE_SIZE;

		put_le32(e, modules[i].start);
		put_le32(e + 4, modules[i].end);
		put_le32(e + 8, info_put_string(info, modules[i].string));
		put_le32(e + 12, 0);
	}
}

static int put_info(struct load *l, const struct multiboot_module *modules, const char *cmdline)
{
	unsigned count = l->req->module_count;
	size_t size = INFO_SIZE + l->m->range_count * MMAP_ENTRY_SIZE + strlen(cmdline) + 1 +
		      sizeof(MULTIBOOT_LOADER_NAME);
	AUTO_FREE uint8_t *bytes = NULL;
	struct info info;
	struct piece p;
	int ret;

	for (unsigned i = 0; i < count; i++)
		size += MODULE_SIZE + strlen(modules[i].string) + 1;
	ret = load_place_low(
		l, &l->req->cmdline, X86_MULTIBOOT_INFO, size, &p, "multiboot information");
	if (ret)
		return ret;
	bytes = calloc(1, size);
	if (!bytes)
		return load_error(l, &l->req->image, "out of memory; free some on the host");
	info = (struct info){.bytes = bytes, .base = (uint32_t)p.base, .used = INFO_SIZE};
	put_le32(bytes + INFO_FLAGS, INFO_FLAGS_VALUE);
	put_le32(bytes + INFO_MEM_LOWER, multiboot_mem_lower(l->m));
	put_le32(bytes + INFO_MEM_UPPER, multiboot_mem_upper(l->m));
	put_mmap(&info, l->m);
	put_modules(&info, modules, count);
	put_le32(bytes + INFO_CMDLINE, info_put_string(&info, cmdline));
	put_le32(bytes + INFO_LOADER_NAME, info_put_string(&info, MULTIBOOT_LOADER_NAME));
	p.data = bytes;
	p.file_size = size;
	l->entry.x86.eax = ENTRY_MAGIC;
	l->entry.x86.ebx = info.base;
	return piece_fill(l, &l->req->image, &p);
}

int multiboot_load(struct load *l)
{
	struct multiboot_module modules[LOADER_MODULES_MAX];
	AUTO_FREE char *cmdline = multiboot_cmdline(l);
	struct image image;
	size_t at;
	int ret;

	if (!cmdline)
		return load_error(l, &l->req->image, "out of memory; free some on the host");
	if (!multiboot_find(l->data, l->size, &at))
		return report_no_header(l);
	ret = parse(l, at, &image);
	if (!ret)
		ret = image_check_entry(l, &image);
	if (!ret)
		ret = image_load(l, &image);
	if (!ret)
		ret = load_boot_gdt(l);
	if (!ret)
		ret = multiboot_load_modules(l, image.end, modules);
	if (!ret)
		ret = put_info(l, modules, cmdline);
	if (ret)
		return ret;
	l->entry.pc = image.entry;
	return 0;
}
