/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/loader/fixture.h"

#define MAGIC 0x1BADB002

static const struct segment code = {0x100000, 0x100000, DATA_OFFSET, 0x400, 0x1000};

static void put_header(size_t at, uint32_t flags)
{
	poke32(at, MAGIC);
	poke32(at + 4, flags);
	poke32(at + 8, -((uint32_t)MAGIC + flags));
}

static void build(uint32_t flags)
{
	build_elf32(0x100020, &code, 1);
	put_header(DATA_OFFSET, flags);
}

START_TEST(information)
{
	gpa_t info, at;

	build(3);
	f.req.cmdline.string = "console=ttyS0 quiet";
	assert_loaded();
	assert_guest_image(0x100000, DATA_OFFSET, 0x400);
	assert_guest_is(0x100400, 0xC00, 0);
	ck_assert_uint_eq(f.entry.pc, 0x100020);
	ck_assert_uint_eq(f.entry.x86.eax, 0x2BADB002);
	ck_assert_uint_eq(f.entry.x86.esi, 0);
	assert_gdt();
	info = f.entry.x86.ebx;
	ck_assert_uint_eq(info, X86_MULTIBOOT_INFO);
	ck_assert_uint_eq(claim_named("multiboot information")->base, info);
	ck_assert_uint_eq(guest_le32(info), 0x24D); /* bits 0 2 3 6 9 */
	ck_assert_uint_eq(guest_le32(info + 4), 640);
	ck_assert_uint_eq(guest_le32(info + 8), (RAM - MIB) / KIB);
	ck_assert_str_eq(guest_string(guest_le32(info + 16)), "kernel console=ttyS0 quiet");
	ck_assert_uint_eq(guest_le32(info + 20), 0);
	ck_assert_str_eq(guest_string(guest_le32(info + 64)), "bulkhead");
	/* no boot device, drives, ROM table, APM, VBE or framebuffer */
	ck_assert_uint_eq(guest_le32(info + 12), 0);
	assert_guest_is(info + 52, 12, 0);
	assert_guest_is(info + 68, 48, 0);
	ck_assert_uint_eq(guest_le32(info + 44), 3 * 24);
	at = guest_le32(info + 48);
	for (unsigned i = 0; i < 3; i++, at += 24) {
		ck_assert_uint_eq(guest_le32(at), 20);
		ck_assert_uint_eq(guest_le64(at + 4), f.m.ranges[i].base);
		ck_assert_uint_eq(guest_le64(at + 12), f.m.ranges[i].size);
		ck_assert_uint_eq(guest_le32(at + 20), i == 1 ? 2 : 1);
	}
}
END_TEST

START_TEST(empty_cmdline_is_the_name)
{
	build(0);
	assert_loaded();
	ck_assert_str_eq(guest_string(guest_le32(f.entry.x86.ebx + 16)), "kernel");
}
END_TEST

START_TEST(modules)
{
	static uint8_t one[5000], two[10];
	gpa_t table;

	memset(one, 1, sizeof(one));
	memset(two, 2, sizeof(two));
	build(1);
	add_module("/host/one.bin", "", one, sizeof(one));
	add_module("/host/two.bin", "zephyr args", two, sizeof(two));
	add_module("three", "", NULL, 0);
	assert_loaded();
	ck_assert_uint_eq(guest_le32(f.entry.x86.ebx + 20), 3);
	table = guest_le32(f.entry.x86.ebx + 24);
	ck_assert_uint_eq(guest_le32(table), 0x101000);
	ck_assert_uint_eq(guest_le32(table + 4), 0x101000 + 5000);
	ck_assert_str_eq(guest_string(guest_le32(table + 8)), "one.bin");
	ck_assert_uint_eq(guest_le32(table + 12), 0);
	assert_guest_is(0x101000, 5000, 1);
	assert_guest_is(0x101000 + 5000, 8192 - 5000, 0);
	ck_assert_uint_eq(guest_le32(table + 16), 0x103000);
	ck_assert_uint_eq(guest_le32(table + 20), 0x10300A);
	ck_assert_str_eq(guest_string(guest_le32(table + 24)), "zephyr args");
	assert_guest_is(0x103000, 10, 2);
	ck_assert_uint_eq(guest_le32(table + 32), 0x104000);
	ck_assert_uint_eq(guest_le32(table + 36), 0x104000);
	assert_claimed("module 0", 0x101000, 0x2000);
}
END_TEST

/* As QEMU has it: an initrd is the first module. */
START_TEST(initrd_is_a_module)
{
	static const uint8_t env[] = "NR_CPUS=2\n", one[100] = {1};
	gpa_t info, mods;

	build(3);
	f.initrd = (struct loader_file){.path = "/host/env", .data = env, .size = sizeof(env)};
	f.req.initrd = &f.initrd;
	assert_loaded();
	info = f.entry.x86.ebx;
	ck_assert_uint_eq(guest_le32(info + 20), 1);
	mods = guest_le32(info + 24);
	ck_assert_str_eq(guest_string(guest_le32(mods)), "NR_CPUS=2\n");
	ck_assert_uint_eq(guest_le32(mods + 4) - guest_le32(mods), sizeof(env));
	ck_assert_str_eq(guest_string(guest_le32(mods + 8)), "env");

	fixture_fini();
	setup();
	build(3);
	f.req.initrd = &f.initrd;
	f.initrd = (struct loader_file){.path = "/host/env", .data = env, .size = sizeof(env)};
	add_module("/host/one.bin", "a string", one, sizeof(one));
	assert_loaded();
	mods = guest_le32(f.entry.x86.ebx + 24);
	ck_assert_uint_eq(guest_le32(f.entry.x86.ebx + 20), 2);
	ck_assert_str_eq(guest_string(guest_le32(mods + 8)), "env");
	ck_assert_str_eq(guest_string(guest_le32(mods + 16 + 8)), "a string");
	ck_assert_uint_eq(guest_le32(mods + 16 + 4) - guest_le32(mods + 16), sizeof(one));

	/* One more than there may be, counted together. */
	fixture_fini();
	setup();
	build(3);
	f.req.initrd = &f.initrd;
	f.initrd = (struct loader_file){.path = "/host/env", .data = env, .size = sizeof(env)};
	for (unsigned i = 0; i < LOADER_MODULES_MAX; i++)
		add_module("m", "", one, 1);
	assert_refused("65 modules, at most 64");
}
END_TEST

START_TEST(module_below_a_high_image)
{
	static const struct segment high = {0, 0xF00000, DATA_OFFSET, 0x400, 0x100000};
	static uint8_t module[4096];

	build_elf32(0xF00000, &high, 1);
	put_header(DATA_OFFSET, 0);
	add_module("m", "", module, sizeof(module));
	assert_loaded();
	assert_claimed("module 0", 0x100000, 4096);
}
END_TEST

START_TEST(modules_that_do_not_fit)
{
	static uint8_t big[15 * MIB];

	build(0);
	add_module("/host/big", "", big, sizeof(big));
	assert_refused("no room for module 0 (15728640 bytes) in RAM between 1 MiB and 0xffffff;");
	ck_assert_str_eq(f.diags.items[0].field, "modules");
	ck_assert_ptr_nonnull(strstr(f.diags.items[0].text, "/host/big: "));

	fixture_fini();
	setup();
	build(0);
	for (unsigned i = 0; i <= LOADER_MODULES_MAX; i++)
		add_module("m", "", big, 1);
	assert_refused("65 modules, at most 64");
}
END_TEST

START_TEST(information_moves_out_of_the_image)
{
	static const struct segment low = {
		0, X86_MULTIBOOT_INFO, DATA_OFFSET, 0x400, X86_LOW_RAM_END - X86_MULTIBOOT_INFO};

	build_elf32(X86_MULTIBOOT_INFO, &low, 1);
	put_header(DATA_OFFSET, 0);
	assert_loaded();
	ck_assert_uint_eq(f.entry.x86.ebx, 0x1000);
	ck_assert_str_eq(guest_string(guest_le32(0x1000 + 64)), "bulkhead");
}
END_TEST

START_TEST(huge_cmdline)
{
	static char line[700 * 1024];

	memset(line, 'a', sizeof(line) - 1);
	build(0);
	f.req.cmdline.string = line;
	assert_refused("no room for multiboot information");
	ck_assert_str_eq(f.diags.items[0].field, "cmdline");
}
END_TEST

START_TEST(address_fields)
{
	/* A flat file: header at 0x100 of it, bytes from 0x80 on go to 0x200000. */
	put_pattern(0, 0x3000);
	f.size = 0x3000;
	put_header(0x100, 0x10003);
	poke32(0x10C, 0x200080);
	poke32(0x110, 0x200000);
	poke32(0x114, 0x201000);
	poke32(0x118, 0x204000);
	poke32(0x11C, 0x200090);
	assert_loaded();
	assert_guest_image(0x200000, 0x80, 0x1000);
	assert_guest_is(0x201000, 0x3000, 0);
	assert_guest_is(0x204000, 0x100, FILL);
	assert_claimed("image", 0x200000, 0x4000);
	ck_assert_uint_eq(f.entry.pc, 0x200090);
}
END_TEST

START_TEST(address_fields_of_the_whole_file)
{
	put_pattern(0, 0x3000);
	f.size = 0x3000;
	put_header(0, 0x10000);
	poke32(12, 0x100000);
	poke32(16, 0x100000);
	poke32(20, 0);
	poke32(24, 0);
	poke32(28, 0x100020);
	assert_loaded();
	assert_guest_image(0x100000, 0, 0x3000);
	assert_claimed("image", 0x100000, 0x3000);
}
END_TEST

static void refuse_address(uint32_t header, uint32_t load, uint32_t load_end, uint32_t bss_end,
	uint32_t entry, const char *text)
{
	fixture_fini();
	setup();
	put_pattern(0, 0x1000);
	f.size = 0x1000;
	put_header(0x100, 0x10000);
	poke32(0x10C, header);
	poke32(0x110, load);
	poke32(0x114, load_end);
	poke32(0x118, bss_end);
	poke32(0x11C, entry);
	assert_refused(text);
}

START_TEST(bad_address_fields)
{
	refuse_address(0x100000, 0x100001, 0, 0, 0x100000, "which puts the first byte before");
	refuse_address(0x100101, 0x100000, 0, 0, 0x100000, "which puts the first byte before");
	refuse_address(0x100100, 0x100000, 0x100000, 0, 0x100000, "load_end_addr 0x100000, but");
	refuse_address(0x100100, 0x100000, 0x101001, 0, 0x100000,
		"but the file has 0x1000 bytes from offset 0 on;");
	refuse_address(0x100100, 0x100000, 0, 0x100FFF, 0x100000,
		"bss_end_addr 0x100fff, but the image is loaded to 0x100fff");
	refuse_address(0x100100, 0x100000, 0, 0, 0x101000,
		"entry 0x101000 is not inside the loaded image (0x100000-0x100fff)");
	refuse_address(
		0x100100, 0x100000, 0, 0xFFFFFFFF, 0x100000, "does not lie inside guest RAM");
	fixture_fini();
	setup();
	f.size = 40;
	put_header(20, 0x10000);
	f.size = 40;
	assert_refused("the address fields of the multiboot header at offset 0x14 pass byte 40");
}
END_TEST

START_TEST(flags)
{
	build(0x8);
	assert_refused("at offset 0x1000 requires features 0x8 (flags 0x8)");
	fixture_fini();
	setup();
	build(0x8004);
	assert_refused("requires features 0x8000");
	fixture_fini();
	setup();
	build(0xFFFE0004); /* optional ones, and video */
	assert_loaded();
	ck_assert(diag_has(DIAG_WARNING, "asks for a video mode"));
	ck_assert_uint_eq(guest_le32(f.entry.x86.ebx), 0x24D);
}
END_TEST

START_TEST(header_search)
{
	size_t at = 0;

	f.size = 9000;
	put_header(8192 - 12, 0);
	ck_assert(multiboot_find(f.image, f.size, &at));
	ck_assert_uint_eq(at, 8192 - 12);
	ck_assert(!multiboot_find(f.image, 8191, &at));
	memset(f.image, 0, sizeof(f.image));
	put_header(8192 - 8, 0);
	ck_assert(!multiboot_find(f.image, f.size, &at));
	memset(f.image, 0, sizeof(f.image));
	put_header(6, 0);
	ck_assert(!multiboot_find(f.image, f.size, &at));
	ck_assert(!multiboot_find(f.image, 3, &at));
}
END_TEST

START_TEST(no_header)
{
	build_elf32(0x100020, &code, 1);
	f.req.type = IMAGE_MULTIBOOT;
	assert_refused("no multiboot header (0x1badb002, 4-aligned) in the first 8192 bytes");
	fixture_fini();
	setup();
	build(3);
	poke32(DATA_OFFSET + 8, 1);
	f.req.type = IMAGE_MULTIBOOT;
	assert_refused("at offset 0x1000 has checksum 0x1, wanted 0xe4524ffb");
	fixture_fini();
	setup();
	f.size = 64;
	put_header(0, 0);
	assert_refused(
		"not an ELF file, and the multiboot header at offset 0 has no address fields");
}
END_TEST

START_TEST(as_many_segments_and_modules_as_may_be)
{
	struct segment s[IMAGE_SEGMENTS_MAX];
	gpa_t table;

	for (unsigned i = 0; i < IMAGE_SEGMENTS_MAX; i++)
		s[i] = (struct segment){0, 0x100000 + i * 64, DATA_OFFSET + i * 64, 64, 64};
	build_elf32(0x100020, s, IMAGE_SEGMENTS_MAX);
	put_header(DATA_OFFSET, 0);
	for (unsigned i = 0; i < LOADER_MODULES_MAX; i++)
		add_module("m", "", "x", 1);
	/* What devices and tables take before. */
	ck_assert_int_eq(machine_claim(&f.m, X86_ACPI_RSDP, 0x600, "ACPI tables", NULL), 0);
	ck_assert_int_eq(machine_claim(&f.m, 0xFFFF0, 16, "reset vector", NULL), 0);
	assert_loaded();
	ck_assert_uint_eq(guest_le32(f.entry.x86.ebx + 20), LOADER_MODULES_MAX);
	table = guest_le32(f.entry.x86.ebx + 24);
	ck_assert_uint_eq(guest_le32(table + 16 * (LOADER_MODULES_MAX - 1)),
		0x101000 + 4096 * (LOADER_MODULES_MAX - 1));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("loader/multiboot");
	TCase *t = tcase_create("multiboot");

	tcase_add_checked_fixture(t, setup, fixture_fini);
	tcase_add_test(t, information);
	tcase_add_test(t, empty_cmdline_is_the_name);
	tcase_add_test(t, modules);
	tcase_add_test(t, initrd_is_a_module);
	tcase_add_test(t, module_below_a_high_image);
	tcase_add_test(t, modules_that_do_not_fit);
	tcase_add_test(t, information_moves_out_of_the_image);
	tcase_add_test(t, huge_cmdline);
	tcase_add_test(t, address_fields);
	tcase_add_test(t, address_fields_of_the_whole_file);
	tcase_add_test(t, bad_address_fields);
	tcase_add_test(t, flags);
	tcase_add_test(t, header_search);
	tcase_add_test(t, no_header);
	tcase_add_test(t, as_many_segments_and_modules_as_may_be);
	suite_add_tcase(s, t);
	return s;
}
