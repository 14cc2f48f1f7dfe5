/* SPDX-License-Identifier: BSD-3-Clause */
#include "loader/multiboot.h"
#include "vmm/layout_x86.h"

#include <errno.h>

#define PAGE 4096

int multiboot_parse_address(struct load *l, const struct multiboot_address *a, size_t header_offset,
	struct image *ret_image)
{
	const struct loader_file *file = &l->req->image;
	struct image image = {.count = 0};
	struct piece p = {.what = "image", .base = a->load_addr};
	uint64_t offset; /* of the first byte to load */

	if (a->load_addr > a->header_addr || a->header_addr - a->load_addr > header_offset)
		return load_error(l, file,
			"the multiboot header at offset %#zx says header_addr %#x and load_addr %#x, which puts the first byte before the file; correct the address fields",
			header_offset, a->header_addr, a->load_addr);
	offset = header_offset - (a->header_addr - a->load_addr);
	p.data = l->data + offset;
	p.file_size = l->size - offset;
	if (a->load_end_addr) {
		if (a->load_end_addr <= a->load_addr ||
			a->load_end_addr - a->load_addr > p.file_size)
			return load_error(l, file,
				"the multiboot header says load_addr %#x and load_end_addr %#x, but the file has %#jx bytes from offset %#jx on; the file is truncated or the address fields are wrong",
				a->load_addr, a->load_end_addr, (uintmax_t)p.file_size,
				(uintmax_t)offset);
		p.file_size = a->load_end_addr - a->load_addr;
	}
	p.mem_size = p.file_size;
	if (a->bss_end_addr) {
		if (a->bss_end_addr < a->load_addr + p.file_size)
			return load_error(l, file,
				"the multiboot header says bss_end_addr %#x, but the image is loaded to %#jx; correct the address fields",
				a->bss_end_addr, (uintmax_t)(a->load_addr + p.file_size - 1));
		p.mem_size = a->bss_end_addr - a->load_addr;
	}
	image_add(l, &image, &p);
	*ret_image = image;
	return 0;
}

/* Finds pages for a module; those after an image first, since kernels expect modules there. */
static int place_module(struct load *l, gpa_t after, struct piece *p)
{
	struct machine_search s = {
		.size = align_up(max_u64(p->file_size, 1), PAGE),
		.align = PAGE,
		.min = X86_HIGH_RAM_BASE,
		.max = load_ram_last(l),
	};

	p->mem_size = s.size;
	return load_place(l, after, &s, p->what, &p->base);
}

int multiboot_load_modules(struct load *l, gpa_t after, struct multiboot_module *ret_modules)
{
	const struct loader_request *req = l->req;

	if (req->module_count > LOADER_MODULES_MAX)
		return load_error(l, &req->modules[LOADER_MODULES_MAX],
			"%u modules, at most %d are accepted; leave some out", req->module_count,
			LOADER_MODULES_MAX);
	for (unsigned i = 0; i < req->module_count; i++) {
		const struct loader_file *file = &req->modules[i];
		struct piece p = {.data = file->data, .file_size = file->size};
		int ret;

		snprintf(p.what, sizeof(p.what), "module %u", i);
		ret = place_module(l, after, &p);
		if (ret == -ENOSPC)
			return load_too_many(l, file, p.what);
		if (ret)
			return load_error(l, file,
				"no room for module %u (%zu bytes) in RAM between 1 MiB and %#jx; give the partition more memory, or leave modules out",
				i, file->size, (uintmax_t)load_ram_last(l));
		ret = piece_fill(l, file, &p);
		if (ret)
			return ret;
		ret_modules[i].start = (uint32_t)p.base;
		ret_modules[i].end = (uint32_t)(p.base + file->size);
		ret_modules[i].string =
			file->string && *file->string ? file->string : load_base_name(file);
	}
	return 0;
}

static const struct machine_range *ram_at(const struct machine *m, gpa_t base)
{
	for (unsigned i = 0; i < m->range_count; i++) {
		if (m->ranges[i].type == RANGE_RAM && m->ranges[i].base == base)
			return &m->ranges[i];
	}
	return NULL;
}

uint32_t multiboot_mem_lower(const struct machine *m)
{
	const struct machine_range *r = ram_at(m, 0);

	return r ? (uint32_t)(min_u64(r->size, X86_LOW_RAM_END) / KIB) : 0;
}

uint32_t multiboot_mem_upper(const struct machine *m)
{
	const struct machine_range *r = ram_at(m, X86_HIGH_RAM_BASE);

	return r ? (uint32_t)(r->size / KIB) : 0;
}

char *multiboot_cmdline(const struct load *l)
{
	const char *args = l->req->cmdline.string;
	char *text;

	if (asprintf(&text, "%s%s%s", load_base_name(&l->req->image), *args ? " " : "", args) < 0)
		return NULL;
	return text;
}
