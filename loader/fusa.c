/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The images of the fusa contract (docs/contract-fusa.md), placed as the safety-certified edition
 * of ACRN places them: the safety VM's raw image at FUSA_RAW_ENTRY; the non-safety VM's bzImage,
 * the whole file with its setup sectors, at the header's pref_address, command line and zero page
 * right below it. Only those fields of the header are looked at that this takes, so that the small
 * bzImages of ACRN's own validation suite load too.
 *
 * Left out, because the contract has no place for it: initrd, modules, gzip, other image types.
 */
#include "loader/bzimage.h"
#include "loader/load.h"
#include "vmm/layout_x86.h"

#define GDT_ALIGN 8

/* The zero page has boot protocol 2.12's header: it ends where kernel_info_offset (2.15) begins. */
#define FUSA_HDR_END   0x268
#define FUSA_VERSION   0x20C
#define FUSA_LOADFLAGS 0x20 /* QUIET_FLAG alone */

/* What the plan gives that the contract has no place for. All of it is named. */
static int check_extras(struct load *l)
{
	const struct loader_request *req = l->req;
	bool safety = l->m->contract == MACHINE_FUSA_SAFETY;
	int ret = 0;

	if (req->initrd)
		ret = load_error(l, req->initrd,
			"the fusa contract has no initrd; leave it out, and build an initramfs into the kernel");
	if (req->module_count)
		ret = load_error(l, &req->modules[0],
			"the fusa contract has no modules; leave them out, or use contract: standard");
	if (safety && *req->cmdline.string)
		ret = load_error(l, &req->cmdline,
			"the safety partition of the fusa contract is given no command line; leave it out");
	if (req->type != IMAGE_AUTO && req->type != (safety ? IMAGE_RAW : IMAGE_BZIMAGE))
		ret = load_error(l, &req->image,
			"type %s, but the %s partition of the fusa contract runs %s; leave the type out",
			image_type_name(req->type), safety ? "safety" : "non-safety",
			safety ? "a raw image" : "a Linux bzImage");
	return ret;
}

/* The flat GDT behind what was loaded, at the first multiple of 8 from END on. */
static int put_gdt(struct load *l, gpa_t end)
{
	return load_boot_gdt_at(l, align_up(end, GDT_ALIGN));
}

static int load_safety(struct load *l)
{
	const struct loader_request *req = l->req;
	struct piece p = {.what = "raw image",
		.base = FUSA_RAW_ENTRY,
		.mem_size = l->size,
		.data = l->data,
		.file_size = l->size};
	int ret;

	if (req->type == IMAGE_RAW &&
		(req->load_address != FUSA_RAW_ENTRY || req->entry != FUSA_RAW_ENTRY))
		return load_error(l, &req->image,
			"load address %#jx and entry %#jx, but the fusa contract has both at %#x; leave them out, and link the image there",
			(uintmax_t)req->load_address, (uintmax_t)req->entry, FUSA_RAW_ENTRY);
	ret = piece_load(l, &req->image, &p);
	if (!ret)
		ret = put_gdt(l, p.base + p.mem_size);
	l->entry.pc = FUSA_RAW_ENTRY;
	return ret;
}

struct kernel {
	gpa_t base; /* pref_address */
	gpa_t entry;
};

static int parse_kernel(struct load *l, struct kernel *ret_kernel)
{
	const struct loader_file *file = &l->req->image;
	const uint8_t *d = l->data;
	uint64_t pref, setup;

	if (gzip_detect(d, l->size))
		return load_error(l, file,
			"compressed with gzip, but the fusa contract copies the file as it is; decompress it before");
	if (!bzimage_detect(d, l->size))
		return load_error(l, file,
			"not a bzImage: no \"HdrS\" at offset %#x; the non-safety partition of the fusa contract runs a Linux bzImage",
			HDR_MAGIC);
	if (l->size < FUSA_HDR_END || get_le16(d + HDR_BOOT_FLAG) != BOOT_FLAG)
		return load_error(l, file,
			"the bzImage's setup header is damaged (%zu bytes, boot_flag %#x, wanted %#x); copy it again",
			l->size, l->size < HDR_MAGIC ? 0 : get_le16(d + HDR_BOOT_FLAG), BOOT_FLAG);
	setup = (d[HDR_SETUP_SECTS] + (uint64_t)1) * SECTOR;
	if (setup >= l->size)
		return load_error(l, file,
			"the setup sectors end at byte %ju, but the file has %zu bytes; the file is truncated",
			(uintmax_t)setup, l->size);
	pref = get_le64(d + HDR_PREF_ADDRESS);
	if (pref > UINT32_MAX - setup || pref < X86_HIGH_RAM_BASE + FUSA_CMDLINE_BELOW)
		return load_error(l, file,
			"pref_address at offset %#x is %#jx, wanted one from %#x up and below 4 GiB; build the kernel with another CONFIG_PHYSICAL_START",
			HDR_PREF_ADDRESS, (uintmax_t)pref, X86_HIGH_RAM_BASE + FUSA_CMDLINE_BELOW);
	*ret_kernel = (struct kernel){.base = pref, .entry = pref + setup};
	return 0;
}

/*
 * A kernel moves itself up to its alignment and decompresses there [boot.rst, init_size]: with less
 * RAM it would write past the end. Headers that do not tell (0) are believed.
 */
static int check_room(struct load *l, const struct kernel *k)
{
	uint32_t alignment = get_le32(l->data + HDR_ALIGNMENT);
	uint64_t init_size = get_le32(l->data + HDR_INIT_SIZE);
	bool moves = l->data[HDR_RELOCATABLE] && alignment && !(alignment & (alignment - 1));
	gpa_t end = (moves ? align_up(k->entry, alignment) : k->entry) + init_size;

	if (end <= load_ram_last(l) + 1)
		return 0;
	return load_error(l, &l->req->image,
		"the kernel needs %#jx bytes (init_size) of RAM, up to %#jx, but RAM ends at %#jx; give the partition at least %juM of memory",
		(uintmax_t)init_size, (uintmax_t)end, (uintmax_t)load_ram_last(l),
		(uintmax_t)(align_up(end, MIB) / MIB));
}

static int load_cmdline(struct load *l, const struct kernel *k)
{
	const struct loader_file *file = &l->req->cmdline;
	uint32_t max = get_le32(l->data + HDR_CMDLINE_SIZE);
	size_t len = strlen(file->string);
	struct piece p = {.what = "command line",
		.base = k->base - FUSA_CMDLINE_BELOW,
		.mem_size = len + 1,
		.data = (const uint8_t *)file->string,
		.file_size = len + 1};

	if (len > max || len > FUSA_CMDLINE_BELOW - FUSA_ZERO_BELOW - 1)
		return load_error(l, file,
			"the command line has %zu bytes, the kernel accepts %u (cmdline_size) and its place has room for %u; shorten it",
			len, max, FUSA_CMDLINE_BELOW - FUSA_ZERO_BELOW - 1);
	return piece_load(l, file, &p);
}

static int load_zero_page(struct load *l, const struct kernel *k)
{
	uint8_t zp[ZERO_PAGE_SIZE] = {0};
	struct piece p = {.what = "zero page",
		.base = k->base - FUSA_ZERO_BELOW,
		.mem_size = sizeof(zp),
		.data = zp,
		.file_size = sizeof(zp)};

	memcpy(zp + HDR_START, l->data + HDR_START, FUSA_HDR_END - HDR_START);
	put_le16(zp + HDR_VERSION, FUSA_VERSION);
	zp[HDR_TYPE_OF_LOADER] = LOADER_UNDEFINED;
	zp[HDR_LOADFLAGS] = FUSA_LOADFLAGS;
	put_le32(zp + HDR_RAMDISK_IMAGE, 0);
	put_le32(zp + HDR_RAMDISK_SIZE, 0);
	put_le32(zp + HDR_CMD_LINE_PTR, (uint32_t)(k->base - FUSA_CMDLINE_BELOW));
	zero_page_put_e820(zp, l->m);
	return piece_load(l, &l->req->image, &p);
}

static int load_non_safety(struct load *l)
{
	struct piece p = {
		.what = "kernel", .mem_size = l->size, .data = l->data, .file_size = l->size};
	struct kernel k = {0};
	int ret = parse_kernel(l, &k);

	if (ret)
		return ret;
	p.base = k.base;
	ret = piece_load(l, &l->req->image, &p);
	if (!ret)
		ret = check_room(l, &k);
	if (!ret)
		ret = load_cmdline(l, &k);
	if (!ret)
		ret = load_zero_page(l, &k);
	/* The image is above the command line, so that its end is the higher one. */
	if (!ret)
		ret = put_gdt(l, p.base + p.mem_size);
	l->entry.pc = k.entry;
	l->entry.x86.esi = (uint32_t)(k.base - FUSA_ZERO_BELOW);
	return ret;
}

int fusa_load(struct load *l)
{
	int ret = check_extras(l);

	if (ret)
		return ret;
	return l->m->contract == MACHINE_FUSA_SAFETY ? load_safety(l) : load_non_safety(l);
}
