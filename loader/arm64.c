/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arm64 Linux Images, and where things go beside any arm64 image: as the boot protocol wants it
 * [Linux Documentation/arch/arm64/booting.rst], in QEMU's places [hw/arm/boot.c] where it leaves a
 * choice. Left out: big-endian kernels.
 */
#include "loader/load.h"
#include "vmm/layout_arm64.h"

#include <errno.h>

/* The header of an Image. */
#define IMG_TEXT_OFFSET 8  /* from a 2 MiB boundary */
#define IMG_IMAGE_SIZE  16 /* memory it needs, BSS included; 0 before Linux 3.17 */
#define IMG_FLAGS       24
#define IMG_MAGIC       56
#define IMG_END         64

#define FLAG_BIG_ENDIAN ((uint64_t)1 << 0)
/* Bits 1 and 2 tell the page size, which the processor decides on; bit 3 that it may be placed
 * anywhere: at the start of RAM it wastes nothing either way. */

#define TEXT_OFFSET_OLD 0x80000 /* where image_size is 0 */

#define BLOCK (2 * MIB) /* what a kernel maps the tree with; no tree crosses its boundary */

/* An old kernel finds its tree only this close behind it [booting.rst 2, before Linux 4.2]. */
#define TREE_WINDOW   (512 * MIB)
#define INITRD_WINDOW (32 * GIB)

#define CMDLINE_MAX 2048 /* Linux' COMMAND_LINE_SIZE, the NUL included */

_Static_assert(ARM64_RAM_BASE % (2 * 1024 * 1024) == 0, "text_offset counts from a 2 MiB boundary");

bool arm64_detect(const uint8_t *data, size_t size)
{
	return size >= IMG_END && !memcmp(data + IMG_MAGIC, "ARM\x64", 4);
}

static gpa_t ram_last(const struct load *l)
{
	const struct machine *m = l->m;
	gpa_t last = ARM64_RAM_BASE;

	for (unsigned i = 0; i < m->range_count; i++) {
		if (m->ranges[i].type == RANGE_RAM)
			last = max_u64(last, m->ranges[i].base + m->ranges[i].size - 1);
	}
	return last;
}

/* ---- initrd and device tree ---- */

/* Where QEMU puts what comes after the kernel, unless that is there still. */
static gpa_t after_kernel(const struct load *l)
{
	return ARM64_RAM_BASE + min_u64((ram_last(l) + 1 - ARM64_RAM_BASE) / 2, 128 * MIB);
}

/*
 * At PREFERRED or above it; else as high as SEARCH allows, because of what a kernel does not tell
 * that it has behind its end.
 */
static int place(struct load *l, gpa_t preferred, const struct machine_search *search,
	const char *what, gpa_t *ret_base)
{
	struct machine_search first = *search;
	int ret;

	first.min = max_u64(search->min, preferred);
	first.highest = false;
	ret = machine_place(l->m, &first, what, ret_base);
	return ret == -ENOMEM ? machine_place(l->m, search, what, ret_base) : ret;
}

/* The initrd: in one window of 32 GiB with the image, which starts at a multiple of 1 GiB. */
static int load_initrd(struct load *l, gpa_t image)
{
	const struct loader_file *file = l->req->initrd;
	struct piece p = {.what = "initrd"};
	struct machine_search s = {
		.align = 4 * KIB,
		.min = align_down(image, GIB),
		.max = min_u64(align_down(image, GIB) + INITRD_WINDOW - 1, ram_last(l)),
		.highest = true,
	};
	int ret;

	if (!file)
		return 0;
	if (!file->size)
		return load_error(
			l, file, "the initrd is empty; give another, or leave the key out");
	p.data = file->data;
	p.file_size = p.mem_size = file->size;
	/* Whole pages: a kernel may use the rest of the last one. */
	s.size = align_up(file->size, s.align);
	ret = place(l, after_kernel(l), &s, p.what, &p.base);
	if (ret == -ENOSPC)
		return load_too_many(l, file, p.what);
	if (ret)
		return load_error(l, file,
			"no room for the initrd (%zu bytes) beside the image in RAM (%#jx-%#jx); give the partition more memory, or use a smaller initrd",
			file->size, (uintmax_t)s.min, (uintmax_t)s.max);
	l->entry.arm64.initrd = p.base;
	l->entry.arm64.initrd_size = file->size;
	return piece_fill(l, file, &p);
}

/* Room for the tree, at PREFERRED or above it, at best not above LAST. */
static int place_tree(struct load *l, gpa_t preferred, gpa_t last)
{
	const char *what = "device tree";
	struct machine_search s = {.size = l->req->dtb_room,
		.align = 4 * KIB,
		.min = ARM64_RAM_BASE,
		.max = min_u64(last, ram_last(l)),
		.highest = true};
	gpa_t base;
	int ret;

	if (!s.size)
		return 0;
	if (s.size > BLOCK)
		return load_error(l, &l->req->image,
			"the device tree takes %ju bytes, a kernel accepts at most %ju; shorten the overlay",
			(uintmax_t)s.size, (uintmax_t)BLOCK);
	while (s.align < s.size) /* so that it crosses no boundary of 2 MiB */
		s.align *= 2;
	ret = place(l, preferred, &s, what, &base);
	if (ret == -ENOMEM) {
		s.max = ram_last(l);
		ret = place(l, preferred, &s, what, &base);
	}
	if (ret == -ENOSPC)
		return load_too_many(l, &l->req->image, what);
	if (ret)
		return load_error(l, &l->req->image,
			"no room for the device tree (%ju bytes) beside the image in RAM (%#jx-%#jx); give the partition more memory",
			(uintmax_t)s.size, (uintmax_t)s.min, (uintmax_t)s.max);
	l->entry.arm64.dtb = base;
	l->entry.arm64.dtb_room = s.size;
	return 0;
}

static int check_cmdline(struct load *l)
{
	size_t size = strlen(l->req->cmdline.string);

	if (size < CMDLINE_MAX)
		return 0;
	return load_error(l, &l->req->cmdline,
		"the command line has %zu bytes, a kernel takes at most %d; shorten it", size,
		CMDLINE_MAX - 1);
}

/* What is no Linux Image may look for its tree at the start of RAM, where QEMU has it. */
int arm64_finish(struct load *l, gpa_t pc)
{
	int ret = check_cmdline(l);

	if (!ret)
		ret = load_initrd(l, pc);
	if (!ret)
		ret = place_tree(l, ARM64_RAM_BASE, UINT64_MAX);
	l->entry.mode = ENTRY_ARM64;
	l->entry.pc = pc;
	return ret;
}

/* ---- Linux Images ---- */

static int check_header(struct load *l)
{
	const struct loader_file *file = &l->req->image;
	uint64_t text_offset, size;

	if (!arm64_detect(l->data, l->size))
		return load_error(l, file,
			"not an arm64 Linux Image: no \"ARM\\x64\" at offset %d; give the kernel's Image or vmlinuz, not vmlinux",
			IMG_MAGIC);
	text_offset = get_le64(l->data + IMG_TEXT_OFFSET);
	size = get_le64(l->data + IMG_IMAGE_SIZE);
	if (get_le64(l->data + IMG_FLAGS) & FLAG_BIG_ENDIAN)
		return load_error(l, file,
			"a big-endian kernel (flags at offset %d: %#jx); use one built with CONFIG_CPU_LITTLE_ENDIAN",
			IMG_FLAGS, (uintmax_t)get_le64(l->data + IMG_FLAGS));
	if (size && text_offset % (4 * KIB))
		return load_error(l, file,
			"text_offset at offset %d is %#jx, wanted a multiple of 4 KiB; the file is damaged",
			IMG_TEXT_OFFSET, (uintmax_t)text_offset);
	return 0;
}

static int report_no_room(struct load *l, const struct piece *p, uint64_t text_offset)
{
	uint64_t wanted = text_offset + p->mem_size;
	char remedy[64] = "the file is damaged";

	if (text_offset <= MACHINE_RAM_MAX && p->mem_size <= MACHINE_RAM_MAX)
		snprintf(remedy, sizeof(remedy), "give the partition at least %juM of memory",
			(uintmax_t)(align_up(wanted, MIB) / MIB));
	return load_error(l, &l->req->image,
		"the kernel needs %#jx bytes (image_size) from %#jx on (the start of RAM and text_offset), but RAM ends at %#jx; %s",
		(uintmax_t)p->mem_size, (uintmax_t)p->base, (uintmax_t)ram_last(l), remedy);
}

/* Only the file's bytes are written: a kernel clears its BSS itself. */
static int load_kernel(struct load *l, gpa_t *ret_base)
{
	const struct loader_file *file = &l->req->image;
	uint64_t text_offset = get_le64(l->data + IMG_TEXT_OFFSET), ram;
	struct piece p = {.what = "kernel", .data = l->data, .file_size = l->size};
	int ret;

	p.mem_size = get_le64(l->data + IMG_IMAGE_SIZE);
	if (!p.mem_size)
		text_offset = TEXT_OFFSET_OLD;
	p.mem_size = max_u64(p.mem_size, l->size);
	p.base = ARM64_RAM_BASE + text_offset;
	ram = ram_last(l) + 1 - ARM64_RAM_BASE;
	if (text_offset > ram || p.mem_size > ram - text_offset)
		return report_no_room(l, &p, text_offset);
	ret = piece_claim(l, file, &p);
	if (ret)
		return ret;
	p.mem_size = p.file_size;
	*ret_base = p.base;
	return piece_fill(l, file, &p);
}

int arm64_load(struct load *l)
{
	gpa_t base = 0, tree;
	int ret;

	ret = check_header(l);
	if (!ret)
		ret = check_cmdline(l);
	if (!ret)
		ret = load_kernel(l, &base);
	if (!ret)
		ret = load_initrd(l, base);
	if (ret)
		return ret;
	tree = after_kernel(l);
	if (l->entry.arm64.initrd)
		tree = max_u64(tree, l->entry.arm64.initrd + l->entry.arm64.initrd_size);
	l->entry.mode = ENTRY_ARM64;
	l->entry.pc = base;
	return place_tree(l, align_up(tree, BLOCK), align_down(base, BLOCK) + TREE_WINDOW - 1);
}
