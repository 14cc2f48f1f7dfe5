/* SPDX-License-Identifier: BSD-3-Clause */
/* The stream of an ELF core: its headers, its notes, and that all memory is where they say. */
#include "tests/unit/unit.h"

#include "lib/util.h"
#include "vmm/core.h"
#include "vmm/core_note.h"
#include "vmm/x86/paging.h"

#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PAGE    4096
#define LOW     (64 * PAGE)
#define HIGH    (16 * PAGE)
#define HIGH_AT 0x100000000

static uint8_t *low, *high;
static struct gmem gmem;
static struct vm_memory memory;
static struct core_source source;
static uint8_t *file;
static uint64_t size;

/* FD: a file, or -1 for private memory. */
static void use(int fd)
{
	memory = (struct vm_memory){.fd = fd, .size = LOW + HIGH};
	memory.hva = mmap(NULL, memory.size, PROT_READ | PROT_WRITE,
		fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(memory.hva, MAP_FAILED);
	low = memory.hva;
	high = low + LOW;
	gmem = (struct gmem){0};
	ck_assert_int_eq(gmem_add(&gmem, 0, LOW, low), 0);
	ck_assert_int_eq(gmem_add(&gmem, HIGH_AT, HIGH, high), 0);
	source = (struct core_source){
		.arch = GUEST_X86_64, .gmem = &gmem, .memory = &memory, .notes = ""};
}

static void setup(void)
{
	file = NULL;
	use(-1);
}

static void use_file(void)
{
	int fd = memfd_create("memory", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, LOW + HIGH), 0);
	munmap(memory.hva, memory.size);
	use(fd);
}

static void teardown(void)
{
	munmap(memory.hva, memory.size);
	if (memory.fd >= 0)
		close(memory.fd);
	free(file);
}

/* All of the stream, in pieces of at most MOST. */
static const Elf64_Ehdr *stream(size_t most)
{
	struct core *core;
	const void *bytes;
	uint64_t at = 0;
	size_t n;

	ck_assert_int_eq(core_create(&source, &core), 0);
	size = core_size(core);
	free(file);
	file = malloc(size);
	while ((n = core_peek(core, &bytes))) {
		n = min_u64(n, most);
		ck_assert_uint_le(at + n, size);
		memcpy(file + at, bytes, n);
		core_advance(core, n);
		at += n;
	}
	ck_assert_uint_eq(at, size);
	core_destroy(core);
	return (const Elf64_Ehdr *)(const void *)file;
}

static const Elf64_Phdr *header(unsigned i)
{
	const Elf64_Ehdr *e = (const Elf64_Ehdr *)(const void *)file;

	ck_assert_uint_lt(i, e->e_phnum);
	return (const Elf64_Phdr *)(const void *)(file + e->e_phoff) + i;
}

static void load_is(unsigned i, uint64_t va, uint64_t pa, uint64_t n, const void *bytes)
{
	const Elf64_Phdr *h = header(i);

	ck_assert_uint_eq(h->p_type, PT_LOAD);
	ck_assert_uint_eq(h->p_vaddr, va);
	ck_assert_uint_eq(h->p_paddr, pa);
	ck_assert_uint_eq(h->p_filesz, n);
	ck_assert_uint_le(h->p_offset + n, size);
	ck_assert_mem_eq(file + h->p_offset, bytes, n);
}

START_TEST(physical)
{
	const Elf64_Ehdr *e;

	memset(low + 3 * PAGE, 0xA5, 2 * PAGE);
	memset(high + PAGE, 0x5A, 1);
	for (unsigned i = 0; i < 2; i++) {
		e = stream(i ? 1000 : SIZE_MAX);
		ck_assert_mem_eq(e->e_ident, ELFMAG, SELFMAG);
		ck_assert_uint_eq(e->e_type, ET_CORE);
		ck_assert_uint_eq(e->e_machine, EM_X86_64);
		ck_assert_uint_eq(e->e_phnum, 3);
		ck_assert_uint_eq(header(0)->p_type, PT_NOTE);
		load_is(1, 0, 0, LOW, low);
		load_is(2, HIGH_AT, HIGH_AT, HIGH, high);
		ck_assert_uint_eq(header(1)->p_offset % PAGE, 0);
	}
	source.arch = GUEST_ARM64;
	ck_assert_uint_eq(stream(SIZE_MAX)->e_machine, EM_AARCH64);
}
END_TEST

/* Pages that the process has of its own for LOW and HIGH; the page of zeros is none. */
static unsigned long own_pages(void)
{
	AUTO_FCLOSE FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start, end, kib;
	bool here = false;
	char line[512];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= (uintptr_t)low && (uintptr_t)low < end;
		else if (here && sscanf(line, "Anonymous: %lu kB", &kib) == 1)
			return kib / 4;
	}
	return 0;
}

static void look_at_all(void)
{
	struct core_search search = {0};
	FILE *f = fopen("/dev/null", "w");

	stream(SIZE_MAX);
	while (!core_search_vmcoreinfo(&gmem, &memory, &search, 16 * PAGE, f)) {
	}
	fclose(f);
}

/* What the guest has never touched is not made by looking at it. */
START_TEST(absent)
{
	struct stat st;

	/* As no other memory of this process is: a mapping of its own. */
	madvise(low, LOW + HIGH, MADV_NOHUGEPAGE);
	low[PAGE] = 1;
	look_at_all();
	ck_assert_uint_eq(own_pages(), 1);
	use_file();
	low[PAGE] = 1;
	look_at_all();
	ck_assert_int_eq(fstat(memory.fd, &st), 0);
	ck_assert_int_eq(st.st_blocks * 512, PAGE);
}
END_TEST

/* Memory that another process has written, and a file that is too short. */
START_TEST(in_a_file)
{
	use_file();
	ck_assert_int_eq(pwrite(memory.fd, "theirs", 6, LOW - 3), 6);
	stream(1000);
	load_is(1, 0, 0, LOW, low);
	load_is(2, HIGH_AT, HIGH_AT, HIGH, high);
	ck_assert_mem_eq(high, "irs", 3);
	ck_assert_int_eq(ftruncate(memory.fd, PAGE), 0);
	stream(SIZE_MAX);
	ck_assert_uint_eq(file[header(1)->p_offset + LOW - 3], 0);
}
END_TEST

static void put(uint64_t table, unsigned index, uint64_t entry)
{
	memcpy(low + table + 8 * index, &entry, sizeof(entry));
}

START_TEST(virtual)
{
	struct space space;

	put(0x1000, 511, 0x2001);
	put(0x2000, 510, 0x3001);
	put(0x3000, 0, 0x4001);
	for (unsigned i = 0; i < 4; i++) /* merged: pages 8 to 11 */
		put(0x4000, i, 0x8001 + i * PAGE);
	put(0x4000, 4, 0x20001);
	put(0x4000, 5, 0xFEC00001); /* no memory */
	put(0x1000, 0, 0x5001);     /* everything at its own address */
	put(0x5000, 0, 0x81);       /* 1 GiB, of which LOW is memory */
	put(0x5000, 4, HIGH_AT | 0x81);
	memset(low + 0x8000, 0x77, PAGE);
	x86_space(
		&(struct x86_paging){
			.cr0 = 1u << 31, .cr3 = 0x1000, .cr4 = 1u << 5, .efer = 1u << 10},
		&space);
	source.space = &space;
	ck_assert_uint_eq(stream(SIZE_MAX)->e_phnum, 1 + 4 + 2);
	load_is(1, 0xFFFFFFFF80000000, 0x8000, 4 * PAGE, low + 0x8000);
	load_is(2, 0xFFFFFFFF80004000, 0x20000, PAGE, low + 0x20000);
	load_is(3, 0, 0, LOW, low);
	load_is(4, HIGH_AT, HIGH_AT, HIGH, high);
	load_is(5, 0, 0, LOW, low);
	ck_assert_uint_eq(header(1)->p_offset, header(5)->p_offset + 0x8000);
}
END_TEST

/* All entries of all tables: pages that are not neighbours. */
START_TEST(bounded)
{
	struct space space;

	for (unsigned i = 0; i < 512; i++) {
		put(0x1000, i, 0x2001);
		put(0x2000, i, 0x3001);
		put(0x3000, i, 0x4001);
		put(0x4000, i, (i & 1 ? 0x8001 : 0x6001));
	}
	x86_space(
		&(struct x86_paging){
			.cr0 = 1u << 31, .cr3 = 0x1000, .cr4 = 1u << 5, .efer = 1u << 10},
		&space);
	source.space = &space;
	ck_assert_uint_eq(stream(SIZE_MAX)->e_phnum, 1 + CORE_RUNS_MAX + 2);
}
END_TEST

static void find_vmcoreinfo(void)
{
	static const char text[] = "OSRELEASE=6.1.0\nKERNELOFFSET=1000\n";
	AUTO_FREE char *notes = NULL;
	struct core_search search = {0};
	const Elf64_Nhdr *note;
	size_t notes_size;
	FILE *f = open_memstream(&notes, &notes_size);
	unsigned turns = 1;

	/* One that is cut off, one that lies about its size, then the real one. */
	core_note_write(f, "VMCOREINFO", 0, text, sizeof(text) - 1);
	fflush(f);
	memcpy(low + 2 * PAGE, notes, 24);
	memcpy(low + 4 * PAGE, notes, notes_size);
	memset(low + 4 * PAGE + 4, 0xFF, 4);
	memcpy(high + HIGH - PAGE, notes, notes_size);
	fclose(f);
	free(notes);
	f = open_memstream(&notes, &notes_size);
	while (!core_search_vmcoreinfo(&gmem, &memory, &search, 4 * PAGE, f))
		turns++;
	fclose(f);
	ck_assert_uint_ge(turns, 20);
	ck_assert_uint_eq(notes_size, 12 + 12 + align_up(sizeof(text) - 1, 4));
	note = (const Elf64_Nhdr *)(const void *)notes;
	ck_assert_uint_eq(note->n_descsz, sizeof(text) - 1);
	ck_assert_str_eq(notes + 12, "VMCOREINFO");
	ck_assert_mem_eq(notes + 24, text, sizeof(text) - 1);
	source.notes = notes;
	source.notes_size = notes_size;
	stream(SIZE_MAX);
	ck_assert_uint_eq(header(0)->p_filesz, notes_size);
	ck_assert_mem_eq(file + header(0)->p_offset, notes, notes_size);
}

START_TEST(vmcoreinfo)
{
	find_vmcoreinfo();
	use_file();
	find_vmcoreinfo();
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/core");
	TCase *t = tcase_create("core");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, physical);
	tcase_add_test(t, absent);
	tcase_add_test(t, in_a_file);
	tcase_add_test(t, virtual);
	tcase_add_test(t, bounded);
	tcase_add_test(t, vmcoreinfo);
	suite_add_tcase(s, t);
	return s;
}
