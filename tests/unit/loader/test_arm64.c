/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arm64 images: Linux Images as they are, gzip'd and in EFI zboot images, ELF files and flat ones,
 * and where initrd and device tree go beside them.
 */
#include "tests/unit/loader/fixture.h"

#define BASE ((gpa_t)ARM64_RAM_BASE)
#define ROOM (64 * KIB)

static void setup_arm64(void)
{
	fixture_init_for(GUEST_ARM64, RAM);
	f.req.dtb_room = ROOM;
}

static void again(uint64_t ram_size)
{
	fixture_fini();
	fixture_init_for(GUEST_ARM64, ram_size);
	f.req.dtb_room = ROOM;
}

static void poke64(size_t offset, uint64_t v)
{
	put_le64(f.image + offset, v);
	f.size = max_u64(f.size, offset + 8);
}

/* An Image of SIZE bytes. */
static void build_image(uint64_t text_offset, uint64_t image_size, size_t size)
{
	put_pattern(0, size);
	f.size = size;
	poke64(8, text_offset);
	poke64(16, image_size);
	poke64(24, 0xA); /* 4 KiB pages, placed anywhere */
	memcpy(f.image + 56, "ARM\x64", 4);
}

/* The initrd is SIZE bytes of a pattern; borrowed until the next call. */
static void give_initrd(size_t size)
{
	static uint8_t data[1 << 20];

	ck_assert_uint_le(size, sizeof(data));
	memset(data, 0x42, sizeof(data));
	f.initrd.data = data;
	f.initrd.size = size;
	f.req.initrd = &f.initrd;
}

static void assert_entry(gpa_t pc, gpa_t dtb)
{
	ck_assert_int_eq(f.entry.mode, ENTRY_ARM64);
	ck_assert_uint_eq(f.entry.pc, pc);
	ck_assert_uint_eq(f.entry.arm64.dtb, dtb);
	ck_assert_uint_eq(f.entry.arm64.dtb_room, ROOM);
	assert_claimed("device tree", dtb, ROOM);
	assert_guest_is(dtb, ROOM, FILL); /* whoever builds it writes it */
}

START_TEST(image)
{
	build_image(0, 0x20000, 0x8000);
	assert_loaded();
	assert_guest_image(BASE, 0, 0x8000);
	assert_guest_is(BASE + 0x8000, 0x18000, FILL);
	assert_claimed("kernel", BASE, 0x20000);
	/* The tree is where QEMU has it without an initrd: in the middle of so little RAM. */
	assert_entry(BASE, BASE + RAM / 2);
	ck_assert_uint_eq(f.entry.arm64.initrd_size, 0);
	ck_assert_uint_eq(f.m.claim_count, 2);
}
END_TEST

START_TEST(image_with_text_offset)
{
	build_image(0x80000, 0x4000, 0x8000); /* less than the file has: what follows is kept */
	f.req.cmdline.string = "console=ttyAMA0";
	assert_loaded();
	assert_guest_image(BASE + 0x80000, 0, 0x8000);
	assert_guest_is(BASE, 0x80000, FILL);
	assert_claimed("kernel", BASE + 0x80000, 0x8000);
	assert_entry(BASE + 0x80000, BASE + RAM / 2);
}
END_TEST

/* Before Linux 3.17 image_size is 0, and text_offset may be in the other byte order. */
START_TEST(old_image)
{
	build_image(0x0000080000000000, 0, 0x8000);
	assert_loaded();
	assert_guest_image(BASE + 0x80000, 0, 0x8000);
	assert_entry(BASE + 0x80000, BASE + RAM / 2);
}
END_TEST

START_TEST(image_with_initrd)
{
	build_image(0, 0x20000, 0x8000);
	give_initrd(5000);
	assert_loaded();
	ck_assert_uint_eq(f.entry.arm64.initrd, BASE + RAM / 2);
	ck_assert_uint_eq(f.entry.arm64.initrd_size, 5000);
	assert_claimed("initrd", BASE + RAM / 2, 8192);
	assert_guest_is(BASE + RAM / 2, 5000, 0x42);
	assert_guest_is(BASE + RAM / 2 + 5000, 8192 - 5000, FILL);
	assert_entry(BASE, BASE + RAM / 2 + 2 * MIB);
}
END_TEST

START_TEST(places_in_more_ram)
{
	again(1024 * MIB);
	build_image(0, 0x20000, 0x8000);
	give_initrd(1 << 20);
	assert_loaded();
	ck_assert_uint_eq(f.entry.arm64.initrd, BASE + 128 * MIB);
	ck_assert_uint_eq(f.entry.arm64.dtb, BASE + 130 * MIB);
	/* A big kernel pushes them up. */
	again(1024 * MIB);
	build_image(0, 200 * MIB + 0x1000, 0x8000);
	give_initrd(1 << 20);
	assert_loaded();
	ck_assert_uint_eq(f.entry.arm64.initrd, BASE + 200 * MIB + 0x1000);
	ck_assert_uint_eq(f.entry.arm64.dtb, BASE + 202 * MIB);
}
END_TEST

/* With no room where they should be, they go below, as high as they can. */
START_TEST(places_in_little_ram)
{
	again(4 * MIB);
	build_image(0, 0x20000, 0x8000);
	ck_assert_int_eq(machine_claim(&f.m, BASE + 2 * MIB, 2 * MIB, "other", NULL), 0);
	give_initrd(5000);
	assert_loaded();
	ck_assert_uint_eq(f.entry.arm64.initrd, BASE + 2 * MIB - 8192);
	ck_assert_uint_eq(f.entry.arm64.dtb, BASE + 2 * MIB - 2 * ROOM);
}
END_TEST

/* An old kernel looks for its tree in 512 MiB only. */
START_TEST(tree_stays_near)
{
	again(1024 * MIB);
	build_image(0, 0x20000, 0x8000);
	ck_assert_int_eq(machine_claim(&f.m, BASE + 128 * MIB, 500 * MIB, "other", NULL), 0);
	assert_loaded();
	ck_assert_uint_eq(f.entry.arm64.dtb, BASE + 128 * MIB - ROOM);
	/* Farther only if there is nothing else. */
	again(1024 * MIB);
	build_image(0, 512 * MIB, 0x8000);
	assert_loaded();
	ck_assert_uint_eq(f.entry.arm64.dtb, BASE + 512 * MIB);
}
END_TEST

START_TEST(tree_crosses_no_block)
{
	build_image(0, 0x20000, 0x8000);
	f.req.dtb_room = 3 * 4096;
	ck_assert_int_eq(machine_claim(&f.m, BASE + 8 * MIB, 2 * MIB - 4096, "other", NULL), 0);
	assert_loaded();
	ck_assert_uint_eq(f.entry.arm64.dtb, BASE + 10 * MIB);
	again(RAM);
	build_image(0, 0x20000, 0x8000);
	f.req.dtb_room = 2 * MIB;
	assert_loaded();
	ck_assert_uint_eq(f.entry.arm64.dtb, BASE + 8 * MIB);
	again(RAM);
	f.req.dtb_room = 2 * MIB + 4096;
	build_image(0, 0x20000, 0x8000);
	assert_refused("the device tree takes 2101248 bytes, a kernel accepts at most 2097152");
	again(RAM);
	f.req.dtb_room = 0;
	build_image(0, 0x20000, 0x8000);
	assert_loaded();
	ck_assert_uint_eq(f.entry.arm64.dtb_room, 0);
}
END_TEST

static void refuse_header(size_t offset, uint64_t value, const char *text)
{
	again(RAM);
	build_image(0, 0x20000, 0x8000);
	poke64(offset, value);
	f.req.type = IMAGE_ARM64;
	assert_refused(text);
}

START_TEST(bad_images)
{
	refuse_header(56, 0, "not an arm64 Linux Image: no \"ARM\\x64\" at offset 56");
	refuse_header(24, 1, "a big-endian kernel (flags at offset 24: 0x1); use one built with");
	refuse_header(8, 0x80004, "text_offset at offset 8 is 0x80004, wanted a multiple of 4 KiB");
	refuse_header(16, 20 * MIB,
		"the kernel needs 0x1400000 bytes (image_size) from 0x40000000 on (the start of RAM and text_offset), but RAM ends at 0x40ffffff; give the partition at least 20M of memory");
	refuse_header(8, RAM, "give the partition at least 17M of memory");
	refuse_header(16, UINT64_MAX, "but RAM ends at 0x40ffffff; the file is damaged");
	refuse_header(8, UINT64_MAX - 0xFFF, "the file is damaged");
	again(RAM);
	build_image(0, 0x20000, 0x8000);
	f.size = 63;
	f.req.type = IMAGE_ARM64;
	assert_refused("not an arm64 Linux Image");
}
END_TEST

START_TEST(what_does_not_fit)
{
	build_image(0, RAM, 0x8000);
	assert_refused("no room for the device tree (65536 bytes) beside the image in RAM");
	again(RAM);
	build_image(0, RAM, 0x8000);
	give_initrd(4096);
	assert_refused("no room for the initrd (4096 bytes) beside the image in RAM");
	again(RAM);
	build_image(0, 0x20000, 0x8000);
	give_initrd(0);
	assert_refused("the initrd is empty");
	again(RAM);
	build_image(0, 0x20000, 0x8000);
	ck_assert_int_eq(machine_claim(&f.m, BASE + 0x10000, 4096, "other", NULL), 0);
	assert_refused("kernel (0x40000000-0x4001ffff) overlaps other (0x40010000-0x40010fff)");
}
END_TEST

START_TEST(command_lines)
{
	static char text[2049];

	memset(text, 'x', 2047);
	build_image(0, 0x20000, 0x8000);
	f.req.cmdline.string = text;
	assert_loaded();
	again(RAM);
	text[2047] = 'x';
	build_image(0, 0x20000, 0x8000);
	f.req.cmdline.string = text;
	assert_refused("the command line has 2048 bytes, a kernel takes at most 2047; shorten it");
	again(RAM);
	f.req.type = IMAGE_RAW;
	f.req.load_address = f.req.entry = BASE;
	f.req.cmdline.string = text;
	f.size = 4096;
	assert_refused("the command line has 2048 bytes");
}
END_TEST

START_TEST(modules)
{
	build_image(0, 0x20000, 0x8000);
	add_module("m", "", "x", 1);
	assert_refused("an image of type arm64-image takes no modules; leave them out");
}
END_TEST

START_TEST(gzip)
{
	uint8_t want[0x1000];

	build_image(0x80000, 0x20000, 0x8000);
	memcpy(want, f.image, sizeof(want));
	compress_image();
	ck_assert_int_eq(image_type_detect(f.image, f.size), IMAGE_ARM64);
	assert_loaded();
	ck_assert_mem_eq(guest(BASE + 0x80000, sizeof(want)), want, sizeof(want));
	again(RAM);
	build_image(0, 0x20000, 0x8000);
	poke64(24, 1);
	compress_image();
	assert_refused("/host/dir/kernel (gzip, decompressed): a big-endian kernel");
}
END_TEST

/* ---- EFI zboot ---- */

#define PAYLOAD 0x400

/* Wraps what the image is into an EFI zboot image; the payload is a gzip file if TYPE says so. */
static void wrap_zboot(const char *type)
{
	static uint8_t payload[sizeof(f.image)];
	size_t size;

	compress_image();
	size = f.size;
	memcpy(payload, f.image, size);
	memset(f.image, 0, sizeof(f.image));
	memcpy(f.image, "MZ\0\0zimg", 8);
	put_le32(f.image + 8, PAYLOAD);
	put_le32(f.image + 12, (uint32_t)size);
	memcpy(f.image + 24, type, strlen(type));
	put_le32(f.image + 56,
		0x818223CD); /* the magic of a Linux PE file, where ARM\x64 would be */
	memcpy(f.image + PAYLOAD, payload, size);
	f.size = PAYLOAD + size + 100; /* sections behind it */
}

START_TEST(zboot)
{
	uint8_t want[0x1000];

	build_image(0, 0x20000, 0x8000);
	memcpy(want, f.image, sizeof(want));
	wrap_zboot("gzip");
	ck_assert_int_eq(image_type_detect(f.image, f.size), IMAGE_ARM64);
	assert_loaded();
	ck_assert_mem_eq(guest(BASE, sizeof(want)), want, sizeof(want));
	assert_entry(BASE, BASE + RAM / 2);
	/* A gzip file of it, and by its type. */
	again(RAM);
	build_image(0, 0x20000, 0x8000);
	wrap_zboot("gzip");
	compress_image();
	f.req.type = IMAGE_ARM64;
	assert_loaded();
	ck_assert_mem_eq(guest(BASE, sizeof(want)), want, sizeof(want));
}
END_TEST

static void refuse_zboot(const char *type, size_t offset, uint32_t value, const char *text)
{
	again(RAM);
	build_image(0, 0x20000, 0x8000);
	wrap_zboot(type);
	if (offset)
		put_le32(f.image + offset, value);
	assert_refused(text);
}

START_TEST(bad_zboot)
{
	refuse_zboot("zstd22", 12, 0x50,
		"an EFI zboot image whose payload (80 bytes at 0x400) is compressed with \"zstd22\", of which only gzip is unpacked here; unpack it: tail -c +1025 FILE | head -c 80 | zstd -d >Image");
	refuse_zboot("xzkern", 12, 0x50, "| xz -d >Image");
	refuse_zboot("lzma", 0, 0, "| xz -d --format=lzma >Image");
	refuse_zboot("lz4", 0, 0, "| lz4 -d >Image");
	refuse_zboot("lzo", 0, 0, "| lzop -d >Image");
	refuse_zboot("\033[31m", 0, 0, "is compressed with \"\"");
	refuse_zboot("gzip", 8, UINT32_MAX, "from 0xffffffff on, of a file of");
	refuse_zboot(
		"gzip", 12, 1 << 20, "whose payload is 1048576 bytes from 0x400 on, of a file of");
	refuse_zboot(
		"gzip", 8, PAYLOAD + 3, "the data of the EFI zboot image's payload are corrupt");
	refuse_zboot("gzip", 12, 40, "the EFI zboot image's payload ends early, after 40 bytes");
	again(RAM);
	f.size = 4096;
	wrap_zboot("gzip");
	assert_refused("kernel (EFI zboot, unpacked): not recognised as arm64 Linux Image");
}
END_TEST

/* ---- flat images and ELF ---- */

START_TEST(raw)
{
	f.size = 0x3000;
	put_pattern(0, f.size);
	f.req.type = IMAGE_RAW;
	f.req.load_address = BASE + ARM64_RAW_OFFSET;
	f.req.entry = BASE + ARM64_RAW_OFFSET;
	give_initrd(100);
	assert_loaded();
	assert_guest_image(BASE + ARM64_RAW_OFFSET, 0, 0x3000);
	assert_claimed("raw image", BASE + ARM64_RAW_OFFSET, 0x3000);
	assert_entry(BASE + ARM64_RAW_OFFSET, BASE);
	ck_assert_uint_eq(f.entry.arm64.initrd, BASE + RAM / 2);
}
END_TEST

START_TEST(raw_at_the_start_of_ram)
{
	f.size = 0x3000;
	put_pattern(0, f.size);
	f.req.type = IMAGE_RAW;
	f.req.load_address = BASE;
	f.req.entry = BASE + 4;
	assert_loaded();
	assert_guest_image(BASE, 0, 0x3000);
	assert_entry(BASE + 4, BASE + ROOM);
}
END_TEST

START_TEST(bad_raw)
{
	f.size = 0x1000;
	f.req.type = IMAGE_RAW;
	f.req.load_address = 0x100000;
	f.req.entry = 0x100000;
	assert_refused(
		"raw image (0x100000-0x100fff) does not lie inside guest RAM (0x40000000-0x40ffffff)");
	again(RAM);
	f.size = 0x1000;
	f.req.type = IMAGE_RAW;
	f.req.load_address = BASE;
	f.req.entry = BASE + 0x1000;
	assert_refused(
		"entry 0x40001000 is not inside the loaded image (0x40000000-0x40000fff); correct");
}
END_TEST

/* Above 4 GiB, which an x86 image may not be. */
START_TEST(high_entry)
{
	again(4096 * MIB);
	f.size = 0x1000;
	f.req.type = IMAGE_RAW;
	f.req.load_address = f.req.entry = 0x100000000;
	assert_loaded();
	assert_claimed("device tree", BASE, ROOM);
	ck_assert_uint_eq(f.entry.pc, 0x100000000);
}
END_TEST

START_TEST(elf)
{
	const struct segment s[] = {
		{0xFFFF000040200000, BASE + 2 * MIB, DATA_OFFSET, 0x400, 0x1000},
	};

	build_elf64_for(EM_AARCH64, 0xFFFF000040200010, s, 1);
	ck_assert_int_eq(image_type_detect(f.image, f.size), IMAGE_ELF);
	assert_loaded();
	assert_guest_image(BASE + 2 * MIB, DATA_OFFSET, 0x400);
	assert_guest_is(BASE + 2 * MIB + 0x400, 0xC00, 0);
	assert_entry(BASE + 2 * MIB + 0x10, BASE);
	ck_assert_uint_eq(f.diags.count, 0);
}
END_TEST

START_TEST(bad_elf)
{
	struct segment s[] = {{0xFFFF800008000000, 0xFFFF800008000000, DATA_OFFSET, 0x400, 0x1000}};

	build_elf64_for(EM_AARCH64, 0xFFFF800008000000, s, 1);
	assert_refused(
		"linked to be loaded at 0xffff800008000000, a virtual address, as Linux' vmlinux is; give the kernel's Image");
	again(RAM);
	s[0].paddr = s[0].vaddr = BASE;
	build_elf64_for(EM_X86_64, BASE, s, 1);
	assert_refused(
		"the ELF file is for machine 62 (e_machine: x86), 64-bit, little-endian; wanted 183 (AArch64), 64-bit, little-endian");
	again(RAM);
	build_elf32((uint32_t)BASE, s, 1);
	put_le16(f.image + 18, EM_AARCH64);
	assert_refused("183 (e_machine: arm64), 32-bit");
	again(RAM);
	build_elf32((uint32_t)BASE, s, 1);
	put_le16(f.image + 18, EM_ARM);
	assert_refused("40 (e_machine: 32-bit Arm), 32-bit");
}
END_TEST

/* ---- images for the other architecture ---- */

START_TEST(x86_images)
{
	f.size = 4096;
	memcpy(f.image + 0x202, "HdrS", 4);
	assert_refused(
		"a bzImage, which is a Linux kernel for x86, but this is an arm64 partition; use an arm64 kernel, or an x86 partition");
	again(RAM);
	f.size = 4096;
	poke32(0, 0x1BADB002);
	poke32(8, -0x1BADB002u);
	assert_refused("a multiboot image, which is for x86, but this is an arm64 partition");
	again(RAM);
	f.size = 4096;
	f.req.type = IMAGE_BZIMAGE;
	assert_refused("but this is an arm64 partition");
	again(RAM);
	f.size = 4096;
	memcpy(f.image, "MZ", 2);
	assert_refused("a UEFI program (PE) without a Linux Image header");
	again(RAM);
	f.size = 4096;
	assert_refused("not recognised as arm64 Linux Image, EFI zboot image or ELF; state");
}
END_TEST

START_TEST(on_x86)
{
	fixture_fini();
	setup();
	build_image(0, 0x20000, 0x8000);
	assert_refused(
		"an arm64 Linux Image, but this is an x86 partition; use an x86 kernel, or an arm64 partition");
	fixture_fini();
	setup();
	build_image(0, 0x20000, 0x8000);
	wrap_zboot("zstd");
	assert_refused("an arm64 Linux Image, but this is an x86 partition");
}
END_TEST

/* A multiboot header means nothing on arm64. */
START_TEST(elf_with_multiboot_header)
{
	const struct segment s[] = {{BASE, BASE, DATA_OFFSET, 0x400, 0x1000}};

	build_elf64_for(EM_AARCH64, BASE, s, 1);
	poke32(DATA_OFFSET, 0x1BADB002);
	poke32(DATA_OFFSET + 4, 0);
	poke32(DATA_OFFSET + 8, -0x1BADB002u);
	assert_loaded();
	ck_assert_uint_eq(f.entry.pc, BASE);
}
END_TEST

START_TEST(full_claim_table)
{
	build_image(0, 0x20000, 0x8000);
	give_initrd(100);
	for (unsigned i = 0; i < MACHINE_CLAIMS_MAX - 2; i++)
		ck_assert_int_eq(
			machine_claim(&f.m, BASE + 0x800000 + i * 16, 16, "other", NULL), 0);
	assert_refused("device tree is one thing too many to place in guest memory");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("loader/arm64");
	TCase *t = tcase_create("arm64");

	tcase_add_checked_fixture(t, setup_arm64, fixture_fini);
	tcase_add_test(t, image);
	tcase_add_test(t, image_with_text_offset);
	tcase_add_test(t, old_image);
	tcase_add_test(t, image_with_initrd);
	tcase_add_test(t, places_in_more_ram);
	tcase_add_test(t, places_in_little_ram);
	tcase_add_test(t, tree_stays_near);
	tcase_add_test(t, tree_crosses_no_block);
	tcase_add_test(t, bad_images);
	tcase_add_test(t, what_does_not_fit);
	tcase_add_test(t, command_lines);
	tcase_add_test(t, modules);
	tcase_add_test(t, gzip);
	tcase_add_test(t, zboot);
	tcase_add_test(t, bad_zboot);
	tcase_add_test(t, raw);
	tcase_add_test(t, raw_at_the_start_of_ram);
	tcase_add_test(t, bad_raw);
	tcase_add_test(t, high_entry);
	tcase_add_test(t, elf);
	tcase_add_test(t, bad_elf);
	tcase_add_test(t, x86_images);
	tcase_add_test(t, on_x86);
	tcase_add_test(t, elf_with_multiboot_header);
	tcase_add_test(t, full_claim_table);
	suite_add_tcase(s, t);
	return s;
}
