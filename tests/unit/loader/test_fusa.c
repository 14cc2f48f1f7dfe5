/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fusa contract's memory: tables, zero page, command line, images, GDT. With FUSA_DUMP_DIR set,
 * what is to be compared byte by byte is also written there, for tests/golden/run-fusa.
 */
#include "acpi/acpi.h"
#include "loader/load.h"
#include "tests/unit/unit.h"
#include "vmm/layout_x86.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define RAM        (64 * MIB)
#define FILL       0xCC
#define KERNEL     0x1000000
#define SETUP      (4 * 512)
#define IMAGE_SIZE (SETUP + 5003)

static struct machine m;
static uint8_t *memory;
static uint8_t image[IMAGE_SIZE];
static struct diags diags;
static struct entry_state entry;
static struct loader_file initrd, modules[1];
static struct loader_request req;

static void create(enum machine_contract contract, unsigned vcpus)
{
	ck_assert_int_eq(machine_init_fusa(&m, contract, RAM, vcpus), 0);
	memory = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	ck_assert_int_eq(gmem_add(&m.gmem, 0, RAM, memory), 0);
	diags_init(&diags);
	req = (struct loader_request){
		.image = {.path = "/host/image", .field = "image", .string = ""},
		.cmdline = {.field = "cmdline", .string = ""},
		.modules = modules,
		.load_address = 0x100000,
		.entry = 0x100000,
	};
}

static void fini(void)
{
	munmap(memory, RAM);
	machine_fini(&m);
	diags_fini(&diags);
}

/* A kernel as tests/golden/fusa/make has it: byte I of the file is 13 * I + 7, but these fields. */
static void build_kernel(void)
{
	for (size_t i = 0; i < IMAGE_SIZE; i++)
		image[i] = (uint8_t)(13 * i + 7);
	image[0x1F1] = 3;
	put_le16(image + 0x1FE, 0xAA55);
	memcpy(image + 0x202, "HdrS", 4);
	put_le16(image + 0x206, 0x20F);
	put_le32(image + 0x230, 0x200000);
	image[0x234] = 1;
	put_le32(image + 0x238, 2047);
	put_le64(image + 0x258, KERNEL);
	put_le32(image + 0x260, 0x8000);
}

static int load(size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	int ret;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, image, size);
	req.image.data = copy;
	req.image.size = size;
	ret = loader_load(&m, &req, &entry, &diags);
	free(copy);
	return ret;
}

static void assert_refused(const char *text)
{
	ck_assert_int_eq(load(IMAGE_SIZE), -EINVAL);
	ck_assert_uint_gt(diags.count, 0);
	ck_assert_msg(strstr(diags.items[0].text, text), "%s", diags.items[0].text);
}

static void dump(const char *name, gpa_t base, size_t size)
{
	const char *dir = getenv("FUSA_DUMP_DIR");
	char path[512];
	FILE *f;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_msg(f, "%s", path);
	ck_assert_uint_eq(fwrite(memory + base, 1, size, f), size);
	ck_assert_int_eq(fclose(f), 0);
}

/* At once: a check for each byte takes longer than a busy host allows a test. */
static void assert_memory_is(gpa_t base, size_t size, uint8_t byte)
{
	ck_assert_uint_eq(memory[base], byte);
	ck_assert_mem_eq(memory + base, memory + base + 1, size - 1);
}

START_TEST(memory_map)
{
	create(MACHINE_FUSA_NON_SAFETY, 3);
	ck_assert_uint_eq(m.range_count, 3);
	ck_assert_uint_eq(m.ranges[0].base, 0);
	ck_assert_uint_eq(m.ranges[0].size, 0xF0000);
	ck_assert_int_eq(m.ranges[0].type, RANGE_RAM);
	ck_assert_uint_eq(m.ranges[1].base, 0xF0000);
	ck_assert_uint_eq(m.ranges[1].size, 0x10000);
	ck_assert_int_eq(m.ranges[1].type, RANGE_RESERVED);
	ck_assert_uint_eq(m.ranges[2].base, 0x100000);
	ck_assert_uint_eq(m.ranges[2].size, RAM - 0x100000);
	ck_assert_int_eq(m.ranges[2].type, RANGE_RAM);
	fini();
	ck_assert_int_eq(machine_init_fusa(&m, MACHINE_FUSA_SAFETY, RAM, 2), -EINVAL);
	ck_assert_int_eq(machine_init_fusa(&m, MACHINE_FUSA_SAFETY, MIB, 1), -EINVAL);
	ck_assert_int_eq(machine_init_fusa(&m, MACHINE_FUSA_SAFETY, RAM + 1, 1), -EINVAL);
	ck_assert_int_eq(machine_init_fusa(&m, MACHINE_FUSA_NON_SAFETY, RAM, 0), -EINVAL);
	ck_assert_int_eq(machine_init_fusa(&m, MACHINE_FUSA_NON_SAFETY, RAM, 65), -EINVAL);
	ck_assert_int_eq(
		machine_init_fusa(&m, MACHINE_FUSA_NON_SAFETY, 2 * GIB + 4096, 1), -ERANGE);
	ck_assert_int_eq(machine_init_fusa(&m, MACHINE_FUSA_NON_SAFETY, 2 * GIB, 64), 0);
}
END_TEST

START_TEST(tables)
{
	static const unsigned counts[] = {1, 3, 64};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		gpa_t rsdp = 0;
		char name[32];

		create(MACHINE_FUSA_NON_SAFETY, counts[i]);
		ck_assert_int_eq(acpi_build(&m, &rsdp), 0);
		ck_assert_uint_eq(rsdp, 0xF2400);
		snprintf(name, sizeof(name), "reserved-%u", counts[i]);
		dump(name, 0xF0000, 0x10000);
		fini();
	}
}
END_TEST

START_TEST(safety_has_no_tables)
{
	gpa_t rsdp = 1;

	create(MACHINE_FUSA_SAFETY, 1);
	ck_assert_int_eq(acpi_build(&m, &rsdp), 0);
	ck_assert_uint_eq(rsdp, 0);
	ck_assert_uint_eq(m.claim_count, 0);
	assert_memory_is(0, 0x100000, 0);
	fini();
}
END_TEST

START_TEST(kernel)
{
	create(MACHINE_FUSA_NON_SAFETY, 3);
	build_kernel();
	memset(memory + 0xFFE000, FILL, 0x10000);
	req.cmdline.string = "console=ttyS0 root=/dev/sda1";
	ck_assert_int_eq(load(IMAGE_SIZE), 0);
	ck_assert_uint_eq(diags.count, 0);
	ck_assert_uint_eq(entry.pc, KERNEL + SETUP);
	ck_assert_uint_eq(entry.x86.esi, 0xFFF000);
	ck_assert_uint_eq(entry.x86.eax | entry.x86.ebx, 0);
	ck_assert_uint_eq(entry.x86.cs, 0x10);
	ck_assert_uint_eq(entry.x86.ds, 0x18);
	ck_assert_uint_eq(entry.x86.gdt, KERNEL + IMAGE_SIZE + 5); /* the next multiple of 8 */
	ck_assert_uint_eq(entry.x86.gdt_limit, 31);
	/* The whole file, and nothing beyond it but the GDT. */
	ck_assert_mem_eq(memory + KERNEL, image, IMAGE_SIZE);
	ck_assert_uint_eq(memory[KERNEL + IMAGE_SIZE], FILL);
	ck_assert_uint_eq(memory[KERNEL + IMAGE_SIZE + 5 + 32], FILL);
	ck_assert_str_eq((char *)memory + 0xFFE000, "console=ttyS0 root=/dev/sda1");
	ck_assert_uint_eq(memory[0xFFE000 + 29], FILL);
	dump("zero-page", 0xFFF000, 4096);
	dump("gdt", entry.x86.gdt, 32);
	fini();
}
END_TEST

START_TEST(small_kernels)
{
	/* As ACRN's validation suite has them: protocol 2.06, no syssize, alignment, init_size. */
	create(MACHINE_FUSA_NON_SAFETY, 1);
	build_kernel();
	put_le16(image + 0x206, 0x206);
	put_le32(image + 0x1F4, 0);
	put_le32(image + 0x230, 0);
	put_le32(image + 0x260, 0);
	put_le64(image + 0x258, 0x400000);
	ck_assert_int_eq(load(IMAGE_SIZE), 0);
	ck_assert_uint_eq(entry.pc, 0x400000 + SETUP);
	ck_assert_uint_eq(entry.x86.esi, 0x3FF000);
	ck_assert_uint_eq(memory[0x3FF206], 0x0C);
	ck_assert_uint_eq(memory[0x3FF207], 0x02);
	fini();
}
END_TEST

START_TEST(bad_kernels)
{
	static const struct {
		unsigned at, size;
		uint64_t value;
		const char *text;
	} bad[] = {
		{0x202, 1, 'h', "not a bzImage"},
		{0x1FE, 2, 0, "setup header is damaged"},
		{0x1F1, 1, 255, "the setup sectors end at byte 131072"},
		{0x258, 8, 0x101FFF, "wanted one from 0x102000 up"},
		{0x258, 8, UINT64_MAX, "wanted one from 0x102000 up"},
		{0x258, 8, RAM, "does not lie inside guest RAM"},
		{0x260, 4, RAM, "give the partition at least 82M of memory"},
		{0, 4, 0x00088B1F, "compressed with gzip"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		create(MACHINE_FUSA_NON_SAFETY, 1);
		build_kernel();
		for (unsigned b = 0; b < bad[i].size; b++)
			image[bad[i].at + b] = (uint8_t)(bad[i].value >> (8 * b));
		assert_refused(bad[i].text);
		fini();
	}
	for (size_t size = 1; size < SETUP + 1; size += 97) {
		create(MACHINE_FUSA_NON_SAFETY, 1);
		build_kernel();
		ck_assert_int_eq(load(size), -EINVAL);
		fini();
	}
}
END_TEST

START_TEST(command_lines)
{
	static char line[5000];

	memset(line, 'x', 4095);
	create(MACHINE_FUSA_NON_SAFETY, 1);
	build_kernel();
	put_le32(image + 0x238, 4096);
	req.cmdline.string = line;
	ck_assert_int_eq(load(IMAGE_SIZE), 0);
	fini();
	line[4095] = 'x';
	create(MACHINE_FUSA_NON_SAFETY, 1);
	req.cmdline.string = line;
	assert_refused("its place has room for 4095");
	fini();
	line[2048] = '\0';
	create(MACHINE_FUSA_NON_SAFETY, 1);
	build_kernel();
	req.cmdline.string = line;
	assert_refused("has 2048 bytes, the kernel accepts 2047");
	fini();
}
END_TEST

START_TEST(raw)
{
	create(MACHINE_FUSA_SAFETY, 1);
	memset(image, 0x90, sizeof(image));
	memset(memory, FILL, 0x110000);
	ck_assert_int_eq(load(IMAGE_SIZE), 0);
	ck_assert_uint_eq(entry.pc, 0x100000);
	ck_assert_uint_eq(entry.x86.esi | entry.x86.eax | entry.x86.ebx, 0);
	ck_assert_uint_eq(entry.x86.gdt, 0x100000 + IMAGE_SIZE + 5);
	ck_assert_mem_eq(memory + 0x100000, image, IMAGE_SIZE);
	assert_memory_is(0, 0x100000, FILL);
	fini();
	create(MACHINE_FUSA_SAFETY, 1);
	req.type = IMAGE_RAW;
	ck_assert_int_eq(load(IMAGE_SIZE), 0);
	fini();
	create(MACHINE_FUSA_SAFETY, 1);
	req.type = IMAGE_RAW;
	req.entry = 0x100010;
	assert_refused("entry 0x100010, but the fusa contract has both at 0x100000");
	fini();
}
END_TEST

START_TEST(no_place_for)
{
	create(MACHINE_FUSA_NON_SAFETY, 1);
	build_kernel();
	req.initrd = &initrd;
	assert_refused("the fusa contract has no initrd");
	fini();
	create(MACHINE_FUSA_NON_SAFETY, 1);
	req.module_count = 1;
	assert_refused("the fusa contract has no modules");
	fini();
	create(MACHINE_FUSA_SAFETY, 1);
	req.cmdline.string = "x";
	assert_refused("given no command line");
	fini();
	create(MACHINE_FUSA_SAFETY, 1);
	req.type = IMAGE_ELF;
	assert_refused("type elf, but the safety partition of the fusa contract runs a raw image");
	fini();
	create(MACHINE_FUSA_NON_SAFETY, 1);
	req.type = IMAGE_RAW;
	assert_refused("type raw, but the non-safety partition");
	fini();
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("loader/fusa");
	TCase *t = tcase_create("fusa");

	tcase_add_test(t, memory_map);
	tcase_add_test(t, tables);
	tcase_add_test(t, safety_has_no_tables);
	tcase_add_test(t, kernel);
	tcase_add_test(t, small_kernels);
	tcase_add_test(t, bad_kernels);
	tcase_add_test(t, command_lines);
	tcase_add_test(t, raw);
	tcase_add_test(t, no_place_for);
	suite_add_tcase(s, t);
	return s;
}
