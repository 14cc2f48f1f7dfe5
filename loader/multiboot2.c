/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Multiboot 2 [Multiboot2 Specification 2.0], i386 protected-mode entry: ELF images and images with
 * an address tag, relocatable ones included. The information has command line, loader name,
 * modules, memory sizes and map, the load base of a relocatable image and the ACPI RSDP. Left out:
 * ELF symbols; and all that the machine does not have: video, BIOS boot device, APM, EFI, SMBIOS,
 * network.
 */
#include "loader/multiboot.h"
#include "vmm/layout_x86.h"

#include <errno.h>

#define HEADER_MAGIC  0xE85250D6
#define HEADER_SEARCH 32768 /* the header lies in the first so many bytes, 8-aligned */
#define HEADER_SIZE   16
#define ENTRY_MAGIC   0x36D76289
#define ARCH_I386     0

/* Header tags [3.1]. */
#define TAG_OPTIONAL     1 /* flag: may be ignored */
#define TAG_HEADER       8 /* type, flags, size */
#define CONSOLE_REQUIRED 1

/* Information tags [3.6]: what is provided, and the last one the specification knows. */
#define INFO_CMDLINE      1
#define INFO_LOADER_NAME  2
#define INFO_MODULE       3
#define INFO_MEMINFO      4
#define INFO_MMAP         6
#define INFO_ELF_SECTIONS 9
#define INFO_ACPI_OLD     14
#define INFO_ACPI_NEW     15
#define INFO_LOAD_BASE    21

#define MMAP_ENTRY_SIZE 24

/* The RSDP [ACPI 6.5 5.2.5.3]: sizes of revision 0 and of revision 2, and fields. */
#define RSDP_SIZE     36
#define RSDP_OLD_SIZE 20
#define RSDP_REVISION 15
#define RSDP_RSDT     16

enum preference { PREFER_NONE, PREFER_LOWEST, PREFER_HIGHEST };

struct header {
	size_t offset; /* in the file */
	uint32_t length;
	bool has_address;
	struct multiboot_address address;
	bool has_entry;
	uint32_t entry;
	bool relocatable;
	uint32_t min_addr;
	uint32_t max_addr;
	uint32_t align;
	uint32_t preference; /* enum preference */
};

struct tag {
	const uint8_t *bytes;
	uint16_t type;
	uint32_t size;
	bool optional;
	size_t offset; /* in the file */
};

bool multiboot2_find(const uint8_t *data, size_t size, size_t *ret_offset)
{
	size_t end = min_u64(size, HEADER_SEARCH);

	for (size_t at = 0; at + HEADER_SIZE <= end; at += 8) {
		const uint8_t *h = data + at;

		if (get_le32(h) == HEADER_MAGIC &&
			!(HEADER_MAGIC + get_le32(h + 4) + get_le32(h + 8) + get_le32(h + 12))) {
			*ret_offset = at;
			return true;
		}
	}
	return false;
}

/* ---- the header ---- */

/*
 * A required request fails the load only if the loader does not support the tag; a supported one
 * that the machine has no information for is left out [3.1.4].
 */
static int tag_request(struct load *l, const struct tag *t, struct header *h)
{
	(void)h;
	for (uint32_t at = TAG_HEADER; at + 4 <= t->size && !t->optional; at += 4) {
		uint32_t type = get_le32(t->bytes + at);

		if (type == INFO_ELF_SECTIONS || type > INFO_LOAD_BASE)
			return load_error(l, &l->req->image,
				"requires multiboot2 information tag %u (information request at offset %#zx), which is not provided; make the request optional",
				type, t->offset);
	}
	return 0;
}

static int tag_address(struct load *l, const struct tag *t, struct header *h)
{
	(void)l;
	h->has_address = true;
	h->address = (struct multiboot_address){get_le32(t->bytes + 8), get_le32(t->bytes + 12),
		get_le32(t->bytes + 16), get_le32(t->bytes + 20)};
	return 0;
}

static int tag_entry(struct load *l, const struct tag *t, struct header *h)
{
	(void)l;
	h->has_entry = true;
	h->entry = get_le32(t->bytes + 8);
	return 0;
}

static int tag_console(struct load *l, const struct tag *t, struct header *h)
{
	(void)h;
	if (!t->optional && get_le32(t->bytes + 8) & CONSOLE_REQUIRED)
		load_warning(l, &l->req->image,
			"requires a screen (multiboot2 console flags at offset %#zx), but there is none; use the serial port",
			t->offset);
	return 0;
}

static int tag_framebuffer(struct load *l, const struct tag *t, struct header *h)
{
	(void)h;
	if (!t->optional)
		load_warning(l, &l->req->image,
			"asks for a framebuffer (multiboot2 tag at offset %#zx), but there is no screen; use the serial port",
			t->offset);
	return 0;
}

static int tag_ignore(struct load *l, const struct tag *t, struct header *h)
{
	(void)l;
	(void)t;
	(void)h;
	return 0;
}

static int tag_relocatable(struct load *l, const struct tag *t, struct header *h)
{
	h->relocatable = true;
	h->min_addr = get_le32(t->bytes + 8);
	h->max_addr = get_le32(t->bytes + 12);
	h->align = get_le32(t->bytes + 16);
	h->preference = get_le32(t->bytes + 20);
	if (!h->align || h->align & (h->align - 1))
		return load_error(l, &l->req->image,
			"the relocatable tag at offset %#zx has align %#x; wanted a power of two",
			t->offset, h->align);
	if (h->preference > PREFER_HIGHEST)
		return load_error(l, &l->req->image,
			"the relocatable tag at offset %#zx has preference %u; wanted 0 (none), 1 (lowest) or 2 (highest)",
			t->offset, h->preference);
	return 0;
}

static const struct {
	uint16_t type;
	uint32_t size; /* at least */
	int (*parse)(struct load *l, const struct tag *t, struct header *h);
} header_tags[] = {
	{1, 8, tag_request},
	{2, 24, tag_address},
	{3, 12, tag_entry},
	{4, 12, tag_console},
	{5, 20, tag_framebuffer},
	{6, 8, tag_ignore}, /* modules always are page-aligned */
	{7, 8, tag_ignore}, /* EFI boot services, EFI entries: there is no EFI */
	{8, 12, tag_ignore},
	{9, 12, tag_ignore},
	{10, 24, tag_relocatable},
};

static int parse_tag(struct load *l, const struct tag *t, struct header *h)
{
	for (size_t i = 0; i < ARRAY_SIZE(header_tags); i++) {
		if (header_tags[i].type != t->type)
			continue;
		if (t->size < header_tags[i].size)
			return load_error(l, &l->req->image,
				"multiboot2 header tag %u at offset %#zx has size %u, wanted at least %u; correct the header",
				t->type, t->offset, t->size, header_tags[i].size);
		return header_tags[i].parse(l, t, h);
	}
	if (t->optional)
		return 0;
	return load_error(l, &l->req->image,
		"multiboot2 header tag %u at offset %#zx is required but not known; mark it optional",
		t->type, t->offset);
}

/* Walks the tags; each turn passes at least 8 of at most 32768 bytes. */
static int parse_tags(struct load *l, struct header *h)
{
	uint32_t at = HEADER_SIZE;

	while (h->length - at >= TAG_HEADER) {
		const uint8_t *bytes = l->data + h->offset + at;
		struct tag t = {.bytes = bytes,
			.type = get_le16(bytes),
			.size = get_le32(bytes + 4),
			.optional = get_le16(bytes + 2) & TAG_OPTIONAL,
			.offset = h->offset + at};
		int ret;

		if (t.type == 0)
			return 0;
		if (t.size < TAG_HEADER || t.size > h->length - at)
			return load_error(l, &l->req->image,
				"multiboot2 header tag %u at offset %#zx has size %u, the header has %u bytes left; correct the header",
				t.type, t.offset, t.size, h->length - at);
		ret = parse_tag(l, &t, h);
		if (ret)
			return ret;
		at = (uint32_t)min_u64(at + align_up(t.size, 8), h->length);
	}
	return load_error(l, &l->req->image,
		"the multiboot2 header at offset %#zx (%u bytes) has no end tag; correct the header",
		h->offset, h->length);
}

static int parse_header(struct load *l, struct header *h)
{
	const struct loader_file *file = &l->req->image;
	uint32_t arch;

	if (!multiboot2_find(l->data, l->size, &h->offset))
		return load_error(l, file,
			"no multiboot2 header (%#x with a valid checksum, 8-aligned) in the first %d bytes; put it into the first section of the image",
			HEADER_MAGIC, HEADER_SEARCH);
	arch = get_le32(l->data + h->offset + 4);
	h->length = get_le32(l->data + h->offset + 8);
	if (arch != ARCH_I386)
		return load_error(l, file,
			"the multiboot2 header at offset %#zx is for architecture %u; wanted %d (i386)",
			h->offset, arch, ARCH_I386);
	if (h->length < HEADER_SIZE || h->length > min_u64(l->size, HEADER_SEARCH) - h->offset)
		return load_error(l, file,
			"the multiboot2 header at offset %#zx has length %u, which passes byte %ju; correct the header",
			h->offset, h->length, (uintmax_t)min_u64(l->size, HEADER_SEARCH));
	return parse_tags(l, h);
}

/* ---- the image ---- */

static int parse_image(struct load *l, const struct header *h, struct image *image)
{
	struct multiboot_address a = h->address;
	int ret;

	if (!h->has_address) {
		if (!elf_detect(l->data, l->size))
			return load_error(l, &l->req->image,
				"not an ELF file, and the multiboot2 header at offset %#zx has no address tag; link it as ELF or add one",
				h->offset);
		ret = elf_parse(l, image);
	} else {
		if (!h->has_entry)
			return load_error(l, &l->req->image,
				"the multiboot2 header at offset %#zx has an address tag but no entry address tag; add one",
				h->offset);
		/* All ones: load from the start of the file [3.1.5]. */
		if (a.load_addr == UINT32_MAX)
			a.load_addr = a.header_addr - (uint32_t)h->offset;
		ret = multiboot_parse_address(l, &a, h->offset, image);
	}
	if (!ret && h->has_entry)
		image->entry = h->entry;
	return ret ? ret : image_check_entry(l, image);
}

/*
 * Finds a place for a relocatable image and moves it there. Low RAM comes last, even for an image
 * that prefers the lowest address: a PC's firmware has data there, and kernels use it to start
 * other processors.
 */
static int relocate(struct load *l, const struct header *h, struct image *image)
{
	/* max_addr is where the image ends at the latest [3.1.12]. */
	struct machine_search s = {.size = image->end - image->base,
		.align = h->align,
		.min = max_u64(h->min_addr, LOAD_LOWEST),
		.max = min_u64(h->max_addr ? h->max_addr - 1 : 0, load_ram_last(l)),
		.highest = h->preference == PREFER_HIGHEST};
	bool linked =
		!(image->base & (h->align - 1)) && image->base >= s.min && image->end - 1 <= s.max;
	gpa_t base;
	int ret;

	if (h->preference == PREFER_NONE && linked &&
		!machine_claim(l->m, image->base, s.size, "image", NULL))
		return 0;
	ret = load_place(l, X86_HIGH_RAM_BASE, &s, "image", &base);
	if (ret == -ENOSPC)
		return load_too_many(l, &l->req->image, "image");
	if (ret)
		return load_error(l, &l->req->image,
			"no room for the relocatable image (%#jx bytes, aligned to %#x) between its min_addr %#x and max_addr %#x in RAM that ends at %#jx; give the partition more memory",
			(uintmax_t)s.size, h->align, h->min_addr, h->max_addr,
			(uintmax_t)load_ram_last(l));
	image_move(image, base);
	return 0;
}

static int load_image(struct load *l, const struct header *h, struct image *image)
{
	int ret;

	if (!h->relocatable)
		return image_load(l, image);
	ret = relocate(l, h, image);
	for (unsigned i = 0; !ret && i < image->count; i++)
		ret = piece_fill(l, &l->req->image, &image->segments[i]);
	return ret;
}

/* ---- the information ---- */

/* The tags, being built: position-independent but for the modules, so that it needs no address. */
struct info {
	uint8_t *bytes; /* zeroed */
	size_t used;
};

/* Appends a tag with SIZE bytes of content, which the caller writes; tags are 8-aligned. */
static uint8_t *tag_put(struct info *info, uint32_t type, size_t size)
{
	uint8_t *t = info->bytes + info->used;

	put_le32(t, type);
	put_le32(t + 4, (uint32_t)(8 + size));
	info->used += align_up(8 + size, 8);
	return t + 8;
}

static void put_string(struct info *info, uint32_t type, const char *s)
{
	memcpy(tag_put(info, type, strlen(s) + 1), s, strlen(s) + 1);
}

static void put_modules(struct info *info, const struct multiboot_module *modules, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		size_t len = strlen(modules[i].string) + 1;
		uint8_t *t = tag_put(info, INFO_MODULE, 8 + len);

		put_le32(t, modules[i].start);
		put_le32(t + 4, modules[i].end);
		memcpy(t + 8, modules[i].string, len);
	}
}

static void put_memory(struct info *info, const struct machine *m)
{
	uint8_t *t = tag_put(info, INFO_MEMINFO, 8);

	put_le32(t, multiboot_mem_lower(m));
	put_le32(t + 4, multiboot_mem_upper(m));
	t = tag_put(info, INFO_MMAP, 8 + m->range_count * MMAP_ENTRY_SIZE);
	put_le32(t, MMAP_ENTRY_SIZE);
	put_le32(t + 4, 0); /* entry version */
	for (unsigned i = 0; i < m->range_count; i++) {
		const struct machine_range *r = &m->ranges[i];
		uint8_t *e = t + 8 + (size_t)i * MMAP_ENTRY_SIZE;

		put_le64(e, r->base);
		put_le64(e + 8, r->size);
		put_le32(e + 16, r->type == RANGE_RAM ? MULTIBOOT_RAM : MULTIBOOT_RESERVED);
	}
}

/* An RSDT address of 0 means that there is only an XSDT: no tag for those who know no other. */
static void put_rsdp(struct info *info, const struct load *l)
{
	uint8_t rsdp[RSDP_SIZE];

	if (!l->req->acpi_rsdp || gmem_read(&l->m->gmem, l->req->acpi_rsdp, rsdp, sizeof(rsdp)))
		return;
	if (get_le32(rsdp + RSDP_RSDT))
		memcpy(tag_put(info, INFO_ACPI_OLD, RSDP_OLD_SIZE), rsdp, RSDP_OLD_SIZE);
	if (rsdp[RSDP_REVISION] >= 2)
		memcpy(tag_put(info, INFO_ACPI_NEW, RSDP_SIZE), rsdp, RSDP_SIZE);
}

/* Enough for all tags: the fixed ones, and each string with its tag's header and padding. */
static size_t info_bound(
	const struct load *l, const struct multiboot_module *modules, const char *cmdline)
{
	size_t size = 512 + l->m->range_count * MMAP_ENTRY_SIZE + strlen(cmdline);

	for (unsigned i = 0; i < l->req->module_count; i++)
		size += 32 + strlen(modules[i].string);
	return size;
}

static int put_info(struct load *l, const struct header *h, gpa_t load_base,
	const struct multiboot_module *modules)
{
	AUTO_FREE char *cmdline = multiboot_cmdline(l);
	AUTO_FREE uint8_t *bytes = NULL;
	struct info info = {.used = 8};
	struct piece p;
	int ret;

	if (cmdline)
		bytes = calloc(1, info_bound(l, modules, cmdline));
	if (!bytes)
		return load_error(l, &l->req->image, "out of memory; free some on the host");
	info.bytes = bytes;
	put_string(&info, INFO_CMDLINE, cmdline);
	put_string(&info, INFO_LOADER_NAME, MULTIBOOT_LOADER_NAME);
	put_modules(&info, modules, l->req->module_count);
	put_memory(&info, l->m);
	if (h->relocatable)
		put_le32(tag_put(&info, INFO_LOAD_BASE, 4), (uint32_t)load_base);
	put_rsdp(&info, l);
	tag_put(&info, 0, 0);
	put_le32(bytes, (uint32_t)info.used);
	ret = load_place_low(
		l, &l->req->cmdline, X86_MULTIBOOT_INFO, info.used, &p, "multiboot information");
	if (ret)
		return ret;
	p.data = bytes;
	p.file_size = info.used;
	l->entry.x86.eax = ENTRY_MAGIC;
	l->entry.x86.ebx = (uint32_t)p.base;
	return piece_fill(l, &l->req->image, &p);
}

int multiboot2_load(struct load *l)
{
	struct multiboot_module modules[LOADER_MODULES_MAX];
	struct header h = {.offset = 0};
	struct image image;
	int ret;

	ret = parse_header(l, &h);
	if (!ret)
		ret = parse_image(l, &h, &image);
	if (!ret)
		ret = load_image(l, &h, &image);
	if (!ret)
		ret = load_boot_gdt(l);
	if (!ret)
		ret = multiboot_load_modules(l, image.end, modules);
	if (!ret)
		ret = put_info(l, &h, image.base, modules);
	if (ret)
		return ret;
	l->entry.pc = image.entry;
	return 0;
}
