/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the loader's tests share: a small machine with memory behind it, a request, and builders of
 * synthetic images. Guest RAM of the usual size starts filled with FILL, so that a byte that should
 * have been zeroed shows.
 */
#ifndef TESTS_LOADER_FIXTURE_H
#define TESTS_LOADER_FIXTURE_H

#include "loader/load.h"
#include "tests/unit/unit.h"
#include "vmm/layout_arm64.h"
#include "vmm/layout_x86.h"

#include <elf.h>
#include <errno.h>
#include <sys/mman.h>
#include <zlib.h>

#define FILL 0xCC
#define RAM  (16 * MIB)

/* The one fixture of a test: check runs each test in a process of its own. */
static struct {
	struct machine m;
	struct diags diags;
	struct loader_request req;
	struct loader_file modules[LOADER_MODULES_MAX + 1];
	struct loader_file initrd;
	struct entry_state entry;
	uint8_t image[256 * 1024];
	size_t size; /* of the image */
} f;

static inline void fixture_init_for(enum guest_arch arch, uint64_t ram_size)
{
	memset(&f, 0, sizeof(f));
	ck_assert_int_eq(machine_init(&f.m, arch, ram_size, 1), 0);
	for (unsigned i = 0; i < f.m.range_count; i++) {
		const struct machine_range *r = &f.m.ranges[i];
		void *p = mmap(NULL, r->size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		ck_assert_ptr_ne(p, MAP_FAILED);
		if (ram_size == RAM)
			memset(p, FILL, r->size);
		ck_assert_int_eq(gmem_add(&f.m.gmem, r->base, r->size, p), 0);
	}
	diags_init(&f.diags);
	f.req.image = (struct loader_file){.path = "/host/dir/kernel",
		.loc = {.file = "plan.yaml", .line = 3, .column = 9},
		.field = "image"};
	f.req.cmdline = (struct loader_file){.field = "cmdline", .string = ""};
	f.initrd =
		(struct loader_file){.path = "/host/dir/initrd", .field = "initrd", .string = ""};
	f.req.modules = f.modules;
}

static inline void fixture_init(uint64_t ram_size)
{
	fixture_init_for(GUEST_X86_64, ram_size);
}

static inline void fixture_fini(void)
{
	for (unsigned i = 0; i < f.m.gmem.count; i++)
		munmap(f.m.gmem.slots[i].hva, f.m.gmem.slots[i].size);
	machine_fini(&f.m);
	diags_fini(&f.diags);
}

static inline void setup(void)
{
	fixture_init(RAM);
}

/* Loads the image from a heap copy of its exact size, so that a sanitizer sees overruns. */
static inline int load_image(void)
{
	uint8_t *copy = malloc(f.size ? f.size : 1);
	int ret;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, f.image, f.size);
	f.req.image.data = copy;
	f.req.image.size = f.size;
	ret = loader_load(&f.m, &f.req, &f.entry, &f.diags);
	free(copy);
	return ret;
}

static inline void add_module(const char *path, const char *string, const void *data, size_t size)
{
	f.modules[f.req.module_count++] = (struct loader_file){
		.path = path, .field = "modules", .data = data, .size = size, .string = string};
}

static inline bool diag_has(enum diag_severity severity, const char *text)
{
	for (unsigned i = 0; i < f.diags.count; i++) {
		if (f.diags.items[i].severity == severity && strstr(f.diags.items[i].text, text))
			return true;
	}
	return false;
}

/* The image is refused with exactly one error, which has TEXT in it and a remedy after it. */
static inline void assert_refused(const char *text)
{
	struct entry_state untouched;

	memset(&untouched, 0x5A, sizeof(untouched));
	f.entry = untouched;
	ck_assert_int_eq(load_image(), -EINVAL);
	ck_assert_uint_eq(f.diags.errors, 1);
	ck_assert_msg(diag_has(DIAG_ERROR, text), "wanted \"%s\", got \"%s\"", text,
		f.diags.items[f.diags.count - 1].text);
	ck_assert_mem_eq(&f.entry, &untouched, sizeof(untouched));
}

static inline void assert_loaded(void)
{
	int ret = load_image();

	ck_assert_msg(ret == 0, "%s", f.diags.count ? f.diags.items[0].text : "no message");
	ck_assert_uint_eq(f.diags.errors, 0);
}

static inline const uint8_t *guest(gpa_t gpa, uint64_t size)
{
	const uint8_t *p = gmem_slice(&f.m.gmem, gpa, size);

	ck_assert_msg(p != NULL, "%#jx is not backed", (uintmax_t)gpa);
	return p;
}

static inline uint32_t guest_le32(gpa_t gpa)
{
	return get_le32(guest(gpa, 4));
}

static inline uint64_t guest_le64(gpa_t gpa)
{
	return get_le64(guest(gpa, 8));
}

static inline const char *guest_string(gpa_t gpa)
{
	return (const char *)guest(gpa, 1);
}

static inline void assert_guest_is(gpa_t gpa, uint64_t size, uint8_t byte)
{
	const uint8_t *p = guest(gpa, size);

	if (!size || (p[0] == byte && !memcmp(p, p + 1, size - 1)))
		return; /* all of RAM within a moment */
	for (uint64_t i = 0; i < size; i++) {
		if (p[i] != byte)
			ck_abort_msg("%#jx: %#x", (uintmax_t)(gpa + i), p[i]);
	}
}

static inline const struct machine_claim *claim_named(const char *what)
{
	for (unsigned i = 0; i < f.m.claim_count; i++) {
		if (!strcmp(f.m.claims[i].what, what))
			return &f.m.claims[i];
	}
	ck_abort_msg("no claim \"%s\"", what);
}

static inline void assert_claimed(const char *what, gpa_t base, uint64_t size)
{
	const struct machine_claim *c = claim_named(what);

	ck_assert_uint_eq(c->base, base);
	ck_assert_uint_eq(c->size, size);
}

/* The flat GDT that every entry state comes with. */
static inline void assert_gdt(void)
{
	ck_assert_uint_eq(f.entry.mode, ENTRY_X86_PROTECTED);
	ck_assert_uint_eq(f.entry.x86.cs, 0x10);
	ck_assert_uint_eq(f.entry.x86.ds, 0x18);
	ck_assert_uint_eq(f.entry.x86.gdt_limit, 31);
	assert_claimed("boot GDT", f.entry.x86.gdt, 32);
	ck_assert_uint_eq(guest_le64(f.entry.x86.gdt), 0);
	ck_assert_uint_eq(guest_le64(f.entry.x86.gdt + 0x10), 0x00CF9B000000FFFF);
	ck_assert_uint_eq(guest_le64(f.entry.x86.gdt + 0x18), 0x00CF93000000FFFF);
}

/* ---- images ---- */

/* Where segment data starts in the files built here; a pattern that tells every byte's place. */
#define DATA_OFFSET 0x1000

static inline uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 7 + (i >> 8) + 1);
}

static inline void put_pattern(size_t offset, size_t size)
{
	ck_assert_uint_le(offset + size, sizeof(f.image));
	for (size_t i = 0; i < size; i++)
		f.image[offset + i] = pattern(offset + i);
}

/* Guest memory at GPA is bytes of the image from OFFSET on. */
static inline void assert_guest_image(gpa_t gpa, size_t offset, size_t size)
{
	ck_assert_mem_eq(guest(gpa, size), f.image + offset, size);
}

struct segment {
	uint64_t vaddr, paddr, offset, filesz, memsz;
};

static inline void build_elf32(uint32_t entry, const struct segment *s, unsigned count)
{
	Elf32_Ehdr eh = {.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_entry = entry,
		.e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = (Elf32_Half)count};

	memcpy(eh.e_ident, ELFMAG "\1\1\1", 7);
	memcpy(f.image, &eh, sizeof(eh));
	for (unsigned i = 0; i < count; i++) {
		Elf32_Phdr ph = {PT_LOAD, (uint32_t)s[i].offset, (uint32_t)s[i].vaddr,
			(uint32_t)s[i].paddr, (uint32_t)s[i].filesz, (uint32_t)s[i].memsz, 7, 4};

		memcpy(f.image + sizeof(eh) + i * sizeof(ph), &ph, sizeof(ph));
		put_pattern(s[i].offset, s[i].filesz);
		f.size = max_u64(f.size, s[i].offset + s[i].filesz);
	}
}

static inline void build_elf64_for(
	unsigned machine, uint64_t entry, const struct segment *s, unsigned count)
{
	Elf64_Ehdr eh = {.e_type = ET_EXEC,
		.e_machine = (Elf64_Half)machine,
		.e_version = EV_CURRENT,
		.e_entry = entry,
		.e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)count};

	memcpy(eh.e_ident, ELFMAG "\2\1\1", 7);
	memcpy(f.image, &eh, sizeof(eh));
	for (unsigned i = 0; i < count; i++) {
		Elf64_Phdr ph = {PT_LOAD, 7, s[i].offset, s[i].vaddr, s[i].paddr, s[i].filesz,
			s[i].memsz, 4};

		memcpy(f.image + sizeof(eh) + i * sizeof(ph), &ph, sizeof(ph));
		put_pattern(s[i].offset, s[i].filesz);
		f.size = max_u64(f.size, s[i].offset + s[i].filesz);
	}
}

static inline void build_elf64(uint64_t entry, const struct segment *s, unsigned count)
{
	build_elf64_for(EM_X86_64, entry, s, count);
}

/* Replaces the image by one gzip member of it; what followed the image is lost. */
static inline void compress_image(void)
{
	z_stream z = {.next_in = f.image, .avail_in = (uInt)f.size};
	static uint8_t out[sizeof(f.image)];

	z.next_out = out;
	z.avail_out = sizeof(out);
	ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	f.size = z.total_out;
	memcpy(f.image, out, f.size);
	deflateEnd(&z);
}

/* Overwrites image bytes. */
static inline void poke32(size_t offset, uint32_t v)
{
	put_le32(f.image + offset, v);
	f.size = max_u64(f.size, offset + 4);
}

#endif
