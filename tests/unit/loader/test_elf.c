/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/loader/fixture.h"

static const struct segment two[] = {
	{0xC0100000, 0x100000, DATA_OFFSET, 0x800, 0x800},
	{0xC0101000, 0x101000, DATA_OFFSET + 0x800, 0x100, 0x3000},
};

START_TEST(elf32_segments_and_bss)
{
	build_elf32(0x100010, two, 2);
	assert_loaded();
	assert_guest_image(0x100000, DATA_OFFSET, 0x800);
	assert_guest_is(0x100800, 0x800, FILL);
	assert_guest_image(0x101000, DATA_OFFSET + 0x800, 0x100);
	assert_guest_is(0x101100, 0x2F00, 0);
	assert_guest_is(0x104000, 0x100, FILL);
	assert_claimed("image segment 0", 0x100000, 0x800);
	assert_claimed("image segment 1", 0x101000, 0x3000);
	ck_assert_uint_eq(f.entry.pc, 0x100010);
	ck_assert_uint_eq(f.entry.x86.eax | f.entry.x86.ebx | f.entry.x86.esi, 0);
	ck_assert_uint_eq(f.entry.x86.gdt, X86_BOOT_GDT);
	assert_gdt();
	ck_assert_uint_eq(f.diags.count, 0);
}
END_TEST

START_TEST(elf64_warns)
{
	build_elf64(0x100010, two, 2);
	assert_loaded();
	assert_guest_image(0x101000, DATA_OFFSET + 0x800, 0x100);
	ck_assert(diag_has(DIAG_WARNING, "starts in 32-bit protected mode at 0x100010"));
}
END_TEST

START_TEST(virtual_entry_is_translated)
{
	build_elf32(0xC0101004, two, 2);
	assert_loaded();
	ck_assert_uint_eq(f.entry.pc, 0x101004);
}
END_TEST

START_TEST(high_virtual_entry_of_elf64)
{
	static const struct segment s = {0xFFFFFFFF80100000, 0x200000, DATA_OFFSET, 16, 16};

	build_elf64(0xFFFFFFFF80100008, &s, 1);
	assert_loaded();
	ck_assert_uint_eq(f.entry.pc, 0x200008);
}
END_TEST

START_TEST(gdt_gives_way_to_the_image)
{
	static const struct segment s = {X86_BOOT_GDT, X86_BOOT_GDT, DATA_OFFSET, 0x100, 0x400};

	build_elf32(X86_BOOT_GDT, &s, 1);
	assert_loaded();
	assert_guest_image(X86_BOOT_GDT, DATA_OFFSET, 0x100);
	ck_assert_uint_eq(f.entry.x86.gdt, X86_BOOT_GDT + 0x400);
	assert_gdt();
}
END_TEST

START_TEST(empty_segments_are_skipped)
{
	static const struct segment s[] = {
		{0xFFFFF000, 0xFFFFF000, DATA_OFFSET, 0, 0},
		{0x100000, 0x100000, DATA_OFFSET, 4, 4},
	};

	build_elf32(0x100000, s, 2);
	assert_loaded();
	assert_claimed("image segment 1", 0x100000, 4);
}
END_TEST

static void refuse_segment(const struct segment *s, const char *text)
{
	fixture_fini();
	setup();
	build_elf64(s->paddr, s, 1);
	f.size = DATA_OFFSET + 0x100;
	assert_refused(text);
}

START_TEST(bad_segments)
{
	ck_assert_int_eq(machine_claim(&f.m, X86_ACPI_RSDP, 0x600, "ACPI tables", NULL), 0);
	static const struct segment over = {0xF0000, 0xF0000, DATA_OFFSET, 16, 0x10000};

	build_elf32(0xF0000, &over, 1);
	assert_refused("image segment 0 (0xf0000-0xfffff) overlaps ACPI tables (0xf2400-0xf29ff);");
	ck_assert_str_eq(f.diags.items[0].file, "plan.yaml");
	ck_assert_uint_eq(f.diags.items[0].line, 3);
	ck_assert_str_eq(f.diags.items[0].field, "image");
	ck_assert_ptr_nonnull(strstr(f.diags.items[0].text, "/host/dir/kernel: "));

	refuse_segment(&(struct segment){0, 0x100000, DATA_OFFSET, 32, 16},
		"program header 0: p_filesz 0x20 is more than p_memsz 0x10;");
	refuse_segment(&(struct segment){0, 0x100000, DATA_OFFSET, 0x101, 0x101},
		"bytes 0x1000 to 0x1101 of a file of 0x1100 bytes; the file is truncated");
	refuse_segment(&(struct segment){0, UINT64_MAX - 15, DATA_OFFSET, 16, 16},
		"passes the end of the address space");
	refuse_segment(&(struct segment){0, 0x100000, DATA_OFFSET, 16, 64 * MIB},
		"image segment 0 (0x100000-0x40fffff) does not lie inside guest RAM (0x0-0x9ffff, 0x100000-0xffffff);");
	refuse_segment(&(struct segment){0, 0x9F000, DATA_OFFSET, 16, 0x2000},
		"does not lie inside guest RAM");
	refuse_segment(&(struct segment){0, 0x100000000, DATA_OFFSET, 16, 16},
		"is not inside the loaded image");
}
END_TEST

START_TEST(segments_that_overlap_each_other)
{
	static const struct segment s[] = {
		{0x100000, 0x100000, DATA_OFFSET, 16, 0x1000},
		{0x100800, 0x100800, DATA_OFFSET, 16, 0x1000},
	};

	build_elf32(0x100000, s, 2);
	assert_refused("image segment 1 (0x100800-0x1017ff) overlaps image segment 0");
}
END_TEST

START_TEST(bad_headers)
{
	build_elf32(0x200000, two, 2);
	assert_refused("entry 0x200000 is not inside the loaded image (0x100000-0x103fff)");

	fixture_fini();
	setup();
	build_elf32(0x100000, two, 0);
	f.size = DATA_OFFSET;
	assert_refused("no loadable segment");

	fixture_fini();
	setup();
	build_elf64(0x100000, two, 2);
	f.image[offsetof(Elf64_Ehdr, e_machine)] = EM_AARCH64;
	assert_refused(
		"is for machine 183 (e_machine: arm64), 64-bit, little-endian; wanted 3 (i386) or 62");

	fixture_fini();
	setup();
	build_elf32(0x100000, two, 2);
	f.image[offsetof(Elf32_Ehdr, e_type)] = ET_REL;
	assert_refused("type (e_type) is 1; wanted an executable");

	fixture_fini();
	setup();
	build_elf32(0x100000, two, 2);
	f.size = 20;
	assert_refused("not readable as ELF");

	fixture_fini();
	setup();
	build_elf32(0x100000, two, 2);
	put_le16(f.image + offsetof(Elf32_Ehdr, e_phnum), 1000);
	f.size = sizeof(f.image);
	assert_refused("1000 program headers, at most 256");
}
END_TEST

START_TEST(too_many_segments)
{
	struct segment s[IMAGE_SEGMENTS_MAX + 1];

	for (unsigned i = 0; i <= IMAGE_SEGMENTS_MAX; i++)
		s[i] = (struct segment){0, 0x100000 + i * 16, DATA_OFFSET, 16, 16};
	build_elf32(0x100000, s, IMAGE_SEGMENTS_MAX + 1);
	assert_refused("more than 32 loadable segments");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("loader/elf");
	TCase *t = tcase_create("elf");

	tcase_add_checked_fixture(t, setup, fixture_fini);
	tcase_add_test(t, elf32_segments_and_bss);
	tcase_add_test(t, elf64_warns);
	tcase_add_test(t, virtual_entry_is_translated);
	tcase_add_test(t, high_virtual_entry_of_elf64);
	tcase_add_test(t, gdt_gives_way_to_the_image);
	tcase_add_test(t, empty_segments_are_skipped);
	tcase_add_test(t, bad_segments);
	tcase_add_test(t, segments_that_overlap_each_other);
	tcase_add_test(t, bad_headers);
	tcase_add_test(t, too_many_segments);
	suite_add_tcase(s, t);
	return s;
}
