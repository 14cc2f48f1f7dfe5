/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Linux bzImage, boot protocol 2.06 and newer [Linux Documentation/arch/x86/boot.rst], entered by
 * its 32-bit entry point (docs/adr/0003-linux-entry.md). Left out: the real-mode setup code is
 * never run, so images that live from it (iPXE, memdisk) are refused; no screen_info, EDD or EFI
 * information in the zero page; no setup_data.
 */
#include "loader/bzimage.h"
#include "loader/load.h"
#include "vmm/layout_x86.h"

#include <errno.h>

struct bzimage {
	uint16_t version;
	const uint8_t *code; /* the protected-mode part */
	uint64_t code_size;
	gpa_t pref_address;
	uint64_t init_size; /* memory needed from the load address on */
	bool relocatable;
	uint32_t alignment;
	uint32_t min_alignment;
	uint32_t initrd_addr_max;
	uint32_t cmdline_size; /* without the NUL */
	gpa_t load_address;
	gpa_t initrd;
};

bool bzimage_detect(const uint8_t *data, size_t size)
{
	return size >= HDR_VERSION && !memcmp(data + HDR_MAGIC, "HdrS", 4);
}

/* Refuses what has no 32-bit entry that can be used, saying why. */
static int check_identity(struct load *l, const uint8_t *d)
{
	const struct loader_file *file = &l->req->image;
	uint16_t version, boot_flag;

	if (!bzimage_detect(d, l->size))
		return load_error(l, file,
			"not a bzImage: no \"HdrS\" at offset %#x; give the kernel's bzImage (vmlinuz), not vmlinux",
			HDR_MAGIC);
	if (l->size < HDR_END_MAX)
		return load_error(l, file,
			"the bzImage ends inside its setup header (%zu bytes); the file is truncated",
			l->size);
	boot_flag = get_le16(d + HDR_BOOT_FLAG);
	if (boot_flag != BOOT_FLAG)
		return load_error(l, file,
			"boot_flag at offset %#x is %#x, wanted %#x; the file is damaged",
			HDR_BOOT_FLAG, boot_flag, BOOT_FLAG);
	version = get_le16(d + HDR_VERSION);
	if (version < VERSION_MIN)
		return load_error(l, file,
			"boot protocol version %u.%02u is too old, at least %u.%02u is needed: such an image starts with real-mode code, which needs a BIOS; use Linux 2.6.22 or newer",
			version >> 8, version & 0xFF, VERSION_MIN >> 8, VERSION_MIN & 0xFF);
	if (!(d[HDR_LOADFLAGS] & LOADED_HIGH))
		return load_error(l, file,
			"loadflags at offset %#x is %#x without LOADED_HIGH: a zImage, which loads below 1 MiB and needs a BIOS; build a bzImage",
			HDR_LOADFLAGS, d[HDR_LOADFLAGS]);
	if (!get_le32(d + HDR_CODE32_START))
		return load_error(l, file,
			"code32_start at offset %#x is 0: no 32-bit entry point, the image (such as iPXE's ipxe.lkrn) runs from its real-mode code and needs a BIOS; use another boot loader or boot the kernel itself",
			HDR_CODE32_START);
	return 0;
}

/* Where the protected-mode part is in the file. */
static int parse_code(struct load *l, struct bzimage *b)
{
	const struct loader_file *file = &l->req->image;
	const uint8_t *d = l->data;
	uint64_t sects = d[HDR_SETUP_SECTS] ? d[HDR_SETUP_SECTS] : 4;
	uint64_t start = (sects + 1) * SECTOR, rest;
	uint64_t wanted = (uint64_t)get_le32(d + HDR_SYSSIZE) * 16;

	if (start >= l->size)
		return load_error(l, file,
			"%ju setup sectors end at byte %ju, but the file has %zu bytes; the file is truncated",
			(uintmax_t)sects, (uintmax_t)start, l->size);
	if (!wanted)
		return load_error(l, file,
			"syssize at offset %#x is 0: no protected-mode code; the file is damaged",
			HDR_SYSSIZE);
	rest = l->size - start;
	/* syssize counts paragraphs, of which the last may be short (memtest86+). */
	if (wanted > align_up(rest, 16))
		return load_error(l, file,
			"the kernel says %#jx bytes of code (syssize), but only %#jx follow its %ju setup sectors; the file is truncated",
			(uintmax_t)wanted, (uintmax_t)rest, (uintmax_t)sects);
	b->code = d + start;
	b->code_size = min_u64(wanted, rest); /* a signature may follow */
	return 0;
}

static int parse_header(struct load *l, struct bzimage *b)
{
	const struct loader_file *file = &l->req->image;
	const uint8_t *d = l->data;
	unsigned end = HDR_MAGIC + d[HDR_JUMP_OFFSET];
	bool has_init_size;

	b->version = get_le16(d + HDR_VERSION);
	has_init_size = b->version >= VERSION_INIT_SIZE;
	if (end < (has_init_size ? HDR_END_2_10 : HDR_END_MIN))
		return load_error(l, file,
			"the setup header of boot protocol %u.%02u ends at %#x, wanted at least %#x; the file is damaged",
			b->version >> 8, b->version & 0xFF, end,
			has_init_size ? HDR_END_2_10 : HDR_END_MIN);
	b->alignment = get_le32(d + HDR_ALIGNMENT);
	b->relocatable = d[HDR_RELOCATABLE];
	b->initrd_addr_max = get_le32(d + HDR_INITRD_ADDR_MAX);
	b->cmdline_size = get_le32(d + HDR_CMDLINE_SIZE);
	b->min_alignment = b->alignment;
	/* Before 2.10 the memory needed is not told; three times the file is GRUB's guess too. */
	b->pref_address = X86_HIGH_RAM_BASE;
	b->init_size = 3 * b->code_size;
	if (has_init_size) {
		b->pref_address = get_le64(d + HDR_PREF_ADDRESS);
		b->init_size = max_u64(get_le32(d + HDR_INIT_SIZE), b->code_size);
		if (d[HDR_MIN_ALIGNMENT] < 32)
			b->min_alignment = (uint32_t)1 << d[HDR_MIN_ALIGNMENT];
	}
	if (b->relocatable && (!b->alignment || b->alignment & (b->alignment - 1)))
		return load_error(l, file,
			"kernel_alignment at offset %#x is %#x, wanted a power of two; the file is damaged",
			HDR_ALIGNMENT, b->alignment);
	if (b->pref_address > UINT32_MAX)
		return load_error(l, file,
			"pref_address at offset %#x is %#jx, wanted one below 4 GiB; the file is damaged",
			HDR_PREF_ADDRESS, (uintmax_t)b->pref_address);
	return 0;
}

/*
 * A relocatable kernel goes to the lowest aligned place at or above pref_address; below it, it
 * would move itself there [boot.rst, init_size]. An alignment down to min_alignment works but costs
 * performance.
 */
static int place_relocatable(struct load *l, struct bzimage *b)
{
	struct machine_search s = {.size = b->init_size,
		.align = b->alignment,
		.min = max_u64(b->pref_address, X86_HIGH_RAM_BASE),
		.max = load_ram_last(l)};
	int ret;

	ret = machine_place(l->m, &s, "kernel", &b->load_address);
	if (ret == -ENOMEM && b->min_alignment < b->alignment) {
		s.align = b->min_alignment;
		ret = machine_place(l->m, &s, "kernel", &b->load_address);
		b->alignment = b->min_alignment;
	}
	return ret;
}

static int report_no_room(struct load *l, const struct bzimage *b)
{
	return load_error(l, &l->req->image,
		"the kernel needs %#jx bytes (init_size) of free RAM at %#jx (pref_address) or above, but RAM ends at %#jx; give the partition at least %juM of memory",
		(uintmax_t)b->init_size, (uintmax_t)b->pref_address, (uintmax_t)load_ram_last(l),
		(uintmax_t)(align_up(b->pref_address + b->init_size, MIB) / MIB));
}

/* Only the file's bytes are written: what follows is for decompression, and not read before. */
static int load_kernel(struct load *l, struct bzimage *b)
{
	const struct loader_file *file = &l->req->image;
	struct piece p = {.what = "kernel", .data = b->code, .file_size = b->code_size};
	int ret;

	p.mem_size = b->init_size;
	if (b->relocatable) {
		ret = place_relocatable(l, b);
		if (ret == -ENOSPC)
			ret = load_too_many(l, file, p.what);
		else if (ret)
			ret = report_no_room(l, b);
	} else {
		p.base = b->load_address = b->pref_address;
		ret = piece_claim(l, file, &p);
	}
	if (ret)
		return ret;
	p.base = b->load_address;
	p.mem_size = p.file_size;
	return piece_fill(l, file, &p);
}

static int load_initrd(struct load *l, struct bzimage *b)
{
	const struct loader_file *file = l->req->initrd;
	struct piece p = {.what = "initrd"};
	struct machine_search s = {
		.align = PAGE,
		.min = X86_HIGH_RAM_BASE,
		.max = min_u64(b->initrd_addr_max, load_ram_last(l)),
		.highest = true,
	};
	int ret;

	if (!file)
		return 0;
	if (!file->size)
		return load_error(
			l, file, "the initrd is empty; give another, or leave the key out");
	if (file->size > UINT32_MAX)
		return load_error(l, file,
			"the initrd has %zu bytes, more than the boot protocol can say (%u); use a smaller one",
			file->size, UINT32_MAX);
	p.data = file->data;
	p.file_size = p.mem_size = file->size;
	s.size = align_up(file->size, PAGE);
	ret = machine_place(l->m, &s, p.what, &p.base);
	if (ret == -ENOSPC)
		return load_too_many(l, file, p.what);
	if (ret)
		return load_error(l, file,
			"no room for the initrd (%zu bytes) between 1 MiB and %#jx beside the kernel (%#jx-%#jx); give the partition more memory, or use a smaller initrd",
			file->size, (uintmax_t)s.max, (uintmax_t)b->load_address,
			(uintmax_t)(b->load_address + b->init_size - 1));
	b->initrd = p.base;
	return piece_fill(l, file, &p);
}

static int load_cmdline(struct load *l, const struct bzimage *b)
{
	const struct loader_file *file = &l->req->cmdline;
	size_t len = strlen(file->string);
	struct piece p = {.what = "command line",
		.base = X86_CMDLINE,
		.mem_size = len + 1,
		.data = (const uint8_t *)file->string,
		.file_size = len + 1};

	if (len > b->cmdline_size)
		return load_error(l, file,
			"the command line has %zu bytes, the kernel accepts %u (cmdline_size); shorten it",
			len, b->cmdline_size);
	if (len > X86_CMDLINE_MAX - 1)
		return load_error(l, file,
			"the command line has %zu bytes, at most %d fit into its place; shorten it",
			len, X86_CMDLINE_MAX - 1);
	return piece_load(l, file, &p);
}

void zero_page_put_e820(uint8_t *zp, const struct machine *m)
{
	zp[ZP_E820_COUNT] = (uint8_t)m->range_count;
	for (unsigned i = 0; i < m->range_count; i++) {
		const struct machine_range *r = &m->ranges[i];
		uint8_t *e = zp + ZP_E820_TABLE + (size_t)i * E820_ENTRY_SIZE;

		put_le64(e, r->base);
		put_le64(e + 8, r->size);
		put_le32(e + 16, r->type == RANGE_RAM ? E820_RAM : E820_RESERVED);
	}
}

static int load_zero_page(struct load *l, const struct bzimage *b)
{
	uint8_t zp[ZERO_PAGE_SIZE] = {0};
	struct piece p = {.what = "zero page",
		.base = X86_ZERO_PAGE,
		.mem_size = sizeof(zp),
		.data = zp,
		.file_size = sizeof(zp)};
	size_t end = min_u64(HDR_MAGIC + l->data[HDR_JUMP_OFFSET], HDR_END_MAX);

	memcpy(zp + HDR_START, l->data + HDR_START, end - HDR_START);
	put_le16(zp + HDR_VID_MODE, VID_MODE_NORMAL);
	zp[HDR_TYPE_OF_LOADER] = LOADER_UNDEFINED;
	/* No heap: setup code does not run. Segments: the kernel reloads them from our GDT. */
	zp[HDR_LOADFLAGS] &= (uint8_t) ~(CAN_USE_HEAP | KEEP_SEGMENTS);
	put_le32(zp + HDR_CODE32_START, (uint32_t)b->load_address);
	put_le32(zp + HDR_RAMDISK_IMAGE, (uint32_t)b->initrd);
	put_le32(zp + HDR_RAMDISK_SIZE, b->initrd ? (uint32_t)l->req->initrd->size : 0);
	put_le32(zp + HDR_CMD_LINE_PTR, X86_CMDLINE);
	put_le32(zp + HDR_ALIGNMENT, b->alignment);
	put_le64(zp + ZP_ACPI_RSDP, l->req->acpi_rsdp);
	zero_page_put_e820(zp, l->m);
	return piece_load(l, &l->req->image, &p);
}

int bzimage_load(struct load *l)
{
	struct bzimage b = {.code = NULL};
	int ret;

	ret = check_identity(l, l->data);
	if (!ret)
		ret = parse_code(l, &b);
	if (!ret)
		ret = parse_header(l, &b);
	if (!ret)
		ret = load_kernel(l, &b);
	if (!ret)
		ret = load_cmdline(l, &b);
	if (!ret)
		ret = load_initrd(l, &b);
	if (!ret)
		ret = load_zero_page(l, &b);
	if (!ret)
		ret = load_boot_gdt(l);
	if (ret)
		return ret;
	l->entry.x86.esi = X86_ZERO_PAGE;
	l->entry.pc = b.load_address;
	return 0;
}
