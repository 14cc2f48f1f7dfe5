/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/loader/fixture.h"

#define CODE_OFFSET 0x600 /* after the boot sector and two setup sectors */
#define CODE_SIZE   0x2000

static void build(void)
{
	memset(f.image, 0xEE, CODE_OFFSET);
	put_pattern(CODE_OFFSET, CODE_SIZE);
	f.size = CODE_OFFSET + CODE_SIZE;
	memset(f.image + 0x1F1, 0, 0x26C - 0x1F1);
	f.image[0x1F1] = 2;
	poke32(0x1F4, CODE_SIZE / 16);
	put_le16(f.image + 0x1FE, 0xAA55);
	put_le16(f.image + 0x200, 0x6AEB); /* the header ends at 0x26C */
	memcpy(f.image + 0x202, "HdrS", 4);
	put_le16(f.image + 0x206, 0x20F);
	f.image[0x211] = 0xE1; /* LOADED_HIGH, QUIET, KEEP_SEGMENTS, CAN_USE_HEAP */
	poke32(0x214, 0x100000);
	poke32(0x22C, 0x7FFFFFFF);
	poke32(0x230, 0x200000);
	f.image[0x234] = 1;
	f.image[0x235] = 21;
	put_le16(f.image + 0x236, 0x7F);
	poke32(0x238, 2047);
	put_le64(f.image + 0x258, 0x200000);
	poke32(0x260, 0x300000);
}

static void restart(void)
{
	fixture_fini();
	setup();
	build();
}

START_TEST(zero_page)
{
	const uint8_t *zp;
	uint8_t want[4096] = {0};

	build();
	f.req.cmdline.string = "console=ttyS0";
	f.req.acpi_rsdp = X86_ACPI_RSDP;
	assert_loaded();
	assert_guest_image(0x200000, CODE_OFFSET, CODE_SIZE);
	assert_guest_is(0x200000 + CODE_SIZE, 0x300000 - CODE_SIZE, FILL);
	assert_claimed("kernel", 0x200000, 0x300000);
	assert_claimed("zero page", X86_ZERO_PAGE, 4096);
	assert_claimed("command line", X86_CMDLINE, 14);
	ck_assert_str_eq(guest_string(X86_CMDLINE), "console=ttyS0");

	memcpy(want + 0x1F1, f.image + 0x1F1, 0x26C - 0x1F1);
	put_le64(want + 0x70, X86_ACPI_RSDP);
	want[0x1E8] = 3;
	put_le16(want + 0x1FA, 0xFFFF);
	want[0x210] = 0xFF;
	want[0x211] = 0x21;
	put_le32(want + 0x214, 0x200000);
	put_le32(want + 0x228, X86_CMDLINE);
	for (unsigned i = 0; i < 3; i++) {
		put_le64(want + 0x2D0 + 20 * i, f.m.ranges[i].base);
		put_le64(want + 0x2D8 + 20 * i, f.m.ranges[i].size);
		put_le32(want + 0x2E0 + 20 * i, i == 1 ? 2 : 1);
	}
	zp = guest(X86_ZERO_PAGE, sizeof(want));
	for (unsigned i = 0; i < sizeof(want); i++) {
		if (zp[i] != want[i])
			ck_abort_msg("%#x: %#x, wanted %#x", i, zp[i], want[i]);
	}

	ck_assert_uint_eq(f.entry.pc, 0x200000);
	ck_assert_uint_eq(f.entry.x86.esi, X86_ZERO_PAGE);
	ck_assert_uint_eq(f.entry.x86.eax | f.entry.x86.ebx, 0);
	ck_assert_uint_eq(f.entry.x86.gdt, X86_BOOT_GDT);
	assert_gdt();
	ck_assert_uint_eq(f.diags.count, 0);
}
END_TEST

START_TEST(e820_above_4g)
{
	/* Only the map is of interest: more RAM than is backed. */
	fixture_fini();
	fixture_init(RAM);
	build();
	ck_assert_int_eq(machine_add_range(&f.m, X86_ABOVE_4G, GIB, RANGE_RAM), 0);
	assert_loaded();
	ck_assert_uint_eq(guest(X86_ZERO_PAGE, 4096)[0x1E8], 4);
	ck_assert_uint_eq(guest_le64(X86_ZERO_PAGE + 0x2D0 + 60), X86_ABOVE_4G);
	ck_assert_uint_eq(guest_le64(X86_ZERO_PAGE + 0x2D8 + 60), GIB);
	ck_assert_uint_eq(guest_le32(X86_ZERO_PAGE + 0x2E0 + 60), 1);
}
END_TEST

START_TEST(initrd)
{
	static uint8_t data[5000];

	memset(data, 0xAB, sizeof(data));
	f.initrd.data = data;
	f.initrd.size = sizeof(data);
	build();
	f.req.initrd = &f.initrd;
	assert_loaded();
	assert_claimed("initrd", RAM - 0x2000, 0x2000);
	assert_guest_is(RAM - 0x2000, 5000, 0xAB);
	ck_assert_uint_eq(guest_le32(X86_ZERO_PAGE + 0x218), RAM - 0x2000);
	ck_assert_uint_eq(guest_le32(X86_ZERO_PAGE + 0x21C), 5000);

	restart();
	f.initrd = (struct loader_file){.path = "i", .data = data, .size = sizeof(data)};
	f.req.initrd = &f.initrd;
	poke32(0x22C, 0x7FFFFF); /* the last usable byte */
	assert_loaded();
	assert_claimed("initrd", 0x800000 - 0x2000, 0x2000);
}
END_TEST

START_TEST(bad_initrd)
{
	static uint8_t data[13 * MIB];

	build();
	f.req.initrd = &f.initrd;
	assert_refused("the initrd is empty");
	ck_assert_str_eq(f.diags.items[0].field, "initrd");
	restart();
	f.initrd = (struct loader_file){.path = "i", .data = data, .size = sizeof(data)};
	f.req.initrd = &f.initrd;
	assert_refused(
		"no room for the initrd (13631488 bytes) between 1 MiB and 0xffffff beside the kernel (0x200000-0x4fffff)");
}
END_TEST

START_TEST(setup_sects_0_is_4)
{
	build();
	f.image[0x1F1] = 0;
	put_pattern(5 * 512, CODE_SIZE);
	f.size = 5 * 512 + CODE_SIZE;
	assert_loaded();
	assert_guest_image(0x200000, 5 * 512, CODE_SIZE);
}
END_TEST

START_TEST(trailing_bytes_and_short_paragraph)
{
	build();
	f.size += 1000; /* a signature */
	assert_loaded();
	assert_guest_is(0x200000 + CODE_SIZE, 1000, FILL);
	restart();
	f.size -= 8;
	assert_loaded();
	assert_guest_is(0x200000 + CODE_SIZE - 8, 8, FILL);
	restart();
	f.size -= 16;
	assert_refused(
		"0x2000 bytes of code (syssize), but only 0x1ff0 follow its 2 setup sectors");
}
END_TEST

START_TEST(relocatable_kernel_moves)
{
	build();
	ck_assert_int_eq(machine_claim(&f.m, 0x400000, 4096, "other", NULL), 0);
	assert_loaded();
	assert_claimed("kernel", 0x600000, 0x300000);
	ck_assert_uint_eq(f.entry.pc, 0x600000);
	ck_assert_uint_eq(guest_le32(X86_ZERO_PAGE + 0x214), 0x600000);

	/* with a smaller alignment if that is the only way */
	restart();
	f.image[0x235] = 16;
	poke32(0x230, 0x1000000);
	assert_loaded();
	assert_claimed("kernel", 0x200000, 0x300000);
	ck_assert_uint_eq(guest_le32(X86_ZERO_PAGE + 0x230), 0x10000);

	/* a pref_address below 1 MiB is not where a bzImage goes */
	restart();
	put_le64(f.image + 0x258, 0x10000);
	assert_loaded();
	assert_claimed("kernel", 0x200000, 0x300000);
}
END_TEST

START_TEST(fixed_kernel)
{
	build();
	f.image[0x234] = 0;
	put_le64(f.image + 0x258, 0x123000);
	assert_loaded();
	assert_claimed("kernel", 0x123000, 0x300000);
	restart();
	f.image[0x234] = 0;
	ck_assert_int_eq(machine_claim(&f.m, 0x400000, 4096, "other", NULL), 0);
	assert_refused("kernel (0x200000-0x4fffff) overlaps other (0x400000-0x400fff)");
	restart();
	f.image[0x234] = 0;
	poke32(0x260, 0x7F000000);
	assert_refused("kernel (0x200000-0x7f1fffff) does not lie inside guest RAM");
}
END_TEST

START_TEST(old_protocol)
{
	/* 2.06 has neither pref_address nor init_size: 1 MiB, and room for three times the code. */
	build();
	put_le16(f.image + 0x206, 0x206);
	f.image[0x201] = 0x3C - 2;
	f.image[0x234] = 0;
	memset(f.image + 0x23C, 0xEE, 0x60);
	assert_loaded();
	assert_claimed("kernel", 0x100000, 3 * CODE_SIZE);
	/* what follows its header is not copied */
	assert_guest_is(X86_ZERO_PAGE + 0x23C, 0x94, 0);
}
END_TEST

START_TEST(cmdline_limits)
{
	static char line[3000];

	memset(line, 'x', sizeof(line));
	line[2047] = '\0';
	build();
	f.req.cmdline.string = line;
	assert_loaded();
	assert_claimed("command line", X86_CMDLINE, 2048);
	restart();
	poke32(0x238, 255);
	f.req.cmdline.string = line;
	assert_refused("the command line has 2047 bytes, the kernel accepts 255 (cmdline_size)");
	ck_assert_str_eq(f.diags.items[0].field, "cmdline");
	restart();
	poke32(0x238, 4096);
	line[2047] = 'x';
	line[2048] = '\0';
	f.req.cmdline.string = line;
	assert_refused("the command line has 2048 bytes, at most 2047 fit");
}
END_TEST

START_TEST(needs_more_memory)
{
	build();
	put_le64(f.image + 0x258, 0x1000000);
	poke32(0x260, 0x3378000);
	assert_refused(
		"needs 0x3378000 bytes (init_size) of free RAM at 0x1000000 (pref_address) or above, but RAM ends at 0xffffff; give the partition at least 68M");
}
END_TEST

START_TEST(bad_headers)
{
	build();
	put_le16(f.image + 0x1FE, 0xAA56);
	assert_refused("boot_flag at offset 0x1fe is 0xaa56, wanted 0xaa55");
	restart();
	put_le16(f.image + 0x206, 0x205);
	assert_refused("boot protocol version 2.05 is too old, at least 2.06");
	restart();
	f.image[0x211] = 0;
	assert_refused("loadflags at offset 0x211 is 0 without LOADED_HIGH");
	restart();
	poke32(0x214, 0);
	assert_refused("code32_start at offset 0x214 is 0: no 32-bit entry point");
	restart();
	f.size = 0x280;
	assert_refused("ends inside its setup header (640 bytes)");
	restart();
	f.size = CODE_OFFSET;
	assert_refused("2 setup sectors end at byte 1536, but the file has 1536 bytes");
	restart();
	poke32(0x1F4, 0);
	assert_refused("syssize at offset 0x1f4 is 0");
	restart();
	poke32(0x1F4, 0xFFFFFFFF);
	assert_refused("0xffffffff0 bytes of code (syssize)");
	restart();
	f.image[0x201] = 0x61;
	assert_refused("header of boot protocol 2.15 ends at 0x263, wanted at least 0x264");
	restart();
	poke32(0x230, 0x300000);
	assert_refused("kernel_alignment at offset 0x230 is 0x300000, wanted a power of two");
	restart();
	put_le64(f.image + 0x258, 0x100000000);
	assert_refused("pref_address at offset 0x258 is 0x100000000, wanted one below 4 GiB");
	restart();
	f.image[0x202] = 'h';
	f.req.type = IMAGE_BZIMAGE;
	assert_refused("no \"HdrS\" at offset 0x202");
}
END_TEST

START_TEST(long_header_is_cut)
{
	/* 0x290 and what follows belong to other parts of the zero page. */
	build();
	f.image[0x201] = 0xFF;
	assert_loaded();
	assert_guest_image(X86_ZERO_PAGE + 0x264, 0x264, 0x290 - 0x264);
	assert_guest_is(X86_ZERO_PAGE + 0x290, 0x40, 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("loader/bzimage");
	TCase *t = tcase_create("bzimage");

	tcase_add_checked_fixture(t, setup, fixture_fini);
	tcase_add_test(t, zero_page);
	tcase_add_test(t, e820_above_4g);
	tcase_add_test(t, initrd);
	tcase_add_test(t, bad_initrd);
	tcase_add_test(t, setup_sects_0_is_4);
	tcase_add_test(t, trailing_bytes_and_short_paragraph);
	tcase_add_test(t, relocatable_kernel_moves);
	tcase_add_test(t, fixed_kernel);
	tcase_add_test(t, old_protocol);
	tcase_add_test(t, cmdline_limits);
	tcase_add_test(t, needs_more_memory);
	tcase_add_test(t, bad_headers);
	tcase_add_test(t, long_header_is_cut);
	suite_add_tcase(s, t);
	return s;
}
