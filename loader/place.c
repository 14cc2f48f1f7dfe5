/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Putting bytes into guest memory: everything a loader places is claimed in struct machine first,
 * so that no two things can overlap, and whoever is in the way is named.
 */
#include "loader/load.h"
#include "vmm/layout_x86.h"

#include <errno.h>
#include <stdarg.h>

#define TEXT_MAX 1024

#define BOOT_GDT_ENTRIES 4

/* "PATH: text" or, for what has no path of its own, "text". */
static void report(struct load *l, const struct loader_file *file, enum diag_severity severity,
	const char *text)
{
	const char *path = file->path ? file->path : "";
	const char *sep = file->path ? ": " : "";
	const char *note = file == &l->req->image && l->unpacked ? l->unpacked : "";

	if (severity == DIAG_ERROR)
		diag_error(l->diags, &file->loc, file->field, "%s%s%s%s", path, note, sep, text);
	else
		diag_warning(l->diags, &file->loc, file->field, "%s%s%s%s", path, note, sep, text);
}

int load_error(struct load *l, const struct loader_file *file, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report(l, file, DIAG_ERROR, text);
	return -EINVAL;
}

void load_warning(struct load *l, const struct loader_file *file, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report(l, file, DIAG_WARNING, text);
}

const char *load_base_name(const struct loader_file *file)
{
	const char *slash = strrchr(file->path, '/');

	return slash ? slash + 1 : file->path;
}

gpa_t load_ram_last(const struct load *l)
{
	return machine_ram_end_low(l->m) - 1;
}

/* "0x0-0x9ffff, 0x100000-0x1fffffff" */
static void describe_ram(const struct machine *m, char *buf, size_t size)
{
	size_t at = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < m->range_count && at < size; i++) {
		const struct machine_range *r = &m->ranges[i];

		if (r->type == RANGE_RAM)
			at += (size_t)snprintf(buf + at, size - at, "%s0x%jx-0x%jx", at ? ", " : "",
				(uintmax_t)r->base, (uintmax_t)(r->base + r->size - 1));
	}
}

int load_too_many(struct load *l, const struct loader_file *file, const char *what)
{
	return load_error(l, file,
		"%s is one thing too many to place in guest memory (at most %d); use fewer segments or modules",
		what, MACHINE_CLAIMS_MAX);
}

int piece_claim(struct load *l, const struct loader_file *file, const struct piece *p)
{
	const struct machine_claim *other = NULL;
	uintmax_t first = p->base, last = p->base + p->mem_size - 1;
	char ram[256];

	switch (machine_claim(l->m, p->base, p->mem_size, p->what, &other)) {
	case 0:
		return 0;
	case -EEXIST:
		return load_error(l, file,
			"%s (%#jx-%#jx) overlaps %s (%#jx-%#jx); link it elsewhere, or move the other",
			p->what, first, last, other->what, (uintmax_t)other->base,
			(uintmax_t)(other->base + other->size - 1));
	case -EFAULT:
		describe_ram(l->m, ram, sizeof(ram));
		return load_error(l, file,
			"%s (%#jx-%#jx) does not lie inside guest RAM (%s); give the partition more memory, or link it elsewhere",
			p->what, first, last, ram);
	default:
		return load_too_many(l, file, p->what);
	}
}

int piece_fill(struct load *l, const struct loader_file *file, const struct piece *p)
{
	uint64_t zeros = p->mem_size - p->file_size;
	struct gmem *g = &l->m->gmem;

	if ((p->file_size && gmem_write(g, p->base, p->data, p->file_size)) ||
		(zeros && gmem_zero(g, p->base + p->file_size, zeros)))
		return load_error(l, file,
			"%s (%#jx, %#jx bytes) is not backed by guest memory; report this as a bug",
			p->what, (uintmax_t)p->base, (uintmax_t)p->mem_size);
	return 0;
}

int piece_load(struct load *l, const struct loader_file *file, const struct piece *p)
{
	int ret = piece_claim(l, file, p);

	return ret ? ret : piece_fill(l, file, p);
}

int load_place(struct load *l, gpa_t preferred, const struct machine_search *search,
	const char *what, gpa_t *ret_base)
{
	struct machine_search first = *search;
	int ret;

	first.min = max_u64(search->min, preferred);
	ret = machine_place(l->m, &first, what, ret_base);
	return ret == -ENOMEM ? machine_place(l->m, search, what, ret_base) : ret;
}

int load_place_low(struct load *l, const struct loader_file *file, gpa_t preferred, uint64_t size,
	struct piece *ret_piece, const char *what)
{
	struct machine_search s = {
		.size = size, .align = 16, .min = LOAD_LOWEST, .max = X86_LOW_RAM_END - 1};
	gpa_t base;
	int ret;

	ret = load_place(l, preferred, &s, what, &base);
	if (ret == -ENOSPC)
		return load_too_many(l, file, what);
	if (ret)
		return load_error(l, file,
			"no room for %s (%ju bytes) in low RAM (%#x-%#x); shorten command line and module strings, or link the image above 0x100000",
			what, (uintmax_t)size, LOAD_LOWEST, X86_LOW_RAM_END - 1);
	*ret_piece = (struct piece){.base = base, .mem_size = size};
	snprintf(ret_piece->what, sizeof(ret_piece->what), "%s", what);
	return 0;
}

/* The GDT's bytes into P, and what the entry state says of them. */
static int fill_boot_gdt(struct load *l, struct piece *p)
{
	/* Flat 4 GiB code at 0x10 and data at 0x18, accessed bit set: Linux's __BOOT_CS and
	 * __BOOT_DS [boot.rst, 32-bit boot protocol], and GRUB's. */
	static const uint64_t gdt[BOOT_GDT_ENTRIES] = {
		0, 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF};
	uint8_t bytes[sizeof(gdt)];

	for (unsigned i = 0; i < ARRAY_SIZE(gdt); i++)
		put_le64(bytes + 8 * i, gdt[i]);
	p->data = bytes;
	p->file_size = sizeof(bytes);
	l->entry.mode = ENTRY_X86_PROTECTED;
	l->entry.x86.cs = 0x10;
	l->entry.x86.ds = 0x18;
	l->entry.x86.gdt = p->base;
	l->entry.x86.gdt_limit = sizeof(bytes) - 1;
	return piece_fill(l, &l->req->image, p);
}

int load_boot_gdt(struct load *l)
{
	struct piece p;
	int ret = load_place_low(
		l, &l->req->image, X86_BOOT_GDT, BOOT_GDT_ENTRIES * 8, &p, "boot GDT");

	return ret ? ret : fill_boot_gdt(l, &p);
}

int load_boot_gdt_at(struct load *l, gpa_t base)
{
	struct piece p = {.what = "boot GDT", .base = base, .mem_size = BOOT_GDT_ENTRIES * 8};
	int ret = piece_claim(l, &l->req->image, &p);

	return ret ? ret : fill_boot_gdt(l, &p);
}

int load_finish(struct load *l, gpa_t pc)
{
	int ret;

	if (l->m->arch == GUEST_ARM64)
		return arm64_finish(l, pc);
	ret = load_boot_gdt(l);
	if (!ret)
		l->entry.pc = pc;
	return ret;
}

int image_add(struct load *l, struct image *image, const struct piece *p)
{
	if (image->count == IMAGE_SEGMENTS_MAX)
		return load_error(l, &l->req->image,
			"more than %d loadable segments; link it with fewer", IMAGE_SEGMENTS_MAX);
	if (!image->count || p->base < image->base)
		image->base = p->base;
	image->end = max_u64(image->end, p->base + p->mem_size);
	image->segments[image->count++] = *p;
	return 0;
}

int image_check_entry(struct load *l, const struct image *image)
{
	bool x86 = l->m->arch == GUEST_X86_64;
	gpa_t entry = image->entry;

	for (unsigned i = 0; i < image->count; i++) {
		const struct piece *p = &image->segments[i];

		if (entry >= p->base && entry - p->base < p->mem_size &&
			(!x86 || entry <= UINT32_MAX))
			return 0;
	}
	return load_error(l, &l->req->image,
		"entry %#jx is not inside the loaded image (%#jx-%#jx)%s; correct the entry address",
		(uintmax_t)entry, (uintmax_t)image->base, (uintmax_t)(image->end - 1),
		x86 ? " below 4 GiB" : "");
}

int image_load(struct load *l, const struct image *image)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < image->count; i++)
		ret = piece_load(l, &l->req->image, &image->segments[i]);
	return ret;
}

void image_move(struct image *image, gpa_t base)
{
	for (unsigned i = 0; i < image->count; i++)
		image->segments[i].base += base - image->base;
	image->entry += base - image->base;
	image->end += base - image->base;
	image->base = base;
}
