/* SPDX-License-Identifier: BSD-3-Clause */
/* Recognition, raw images, gzip, what is refused; and real images if a directory of them is given.
 */
#include "lib/file.h"
#include "tests/unit/loader/fixture.h"

static const struct segment code = {0x100000, 0x100000, DATA_OFFSET, 0x400, 0x1000};

static void put_multiboot(size_t at)
{
	poke32(at, 0x1BADB002);
	poke32(at + 4, 0);
	poke32(at + 8, -0x1BADB002u);
}

static void put_multiboot2(size_t at)
{
	poke32(at, 0xE85250D6);
	poke32(at + 4, 0);
	poke32(at + 8, 24);
	poke32(at + 12, -(0xE85250D6 + 24));
	poke32(at + 16, 0);
	poke32(at + 20, 8);
}

START_TEST(detection)
{
	f.size = 4096;
	ck_assert_int_eq(image_type_detect(f.image, f.size), IMAGE_RAW);
	ck_assert_int_eq(image_type_detect(f.image, 0), IMAGE_RAW);
	build_elf32(0x100000, &code, 1);
	ck_assert_int_eq(image_type_detect(f.image, f.size), IMAGE_ELF);
	ck_assert_int_eq(image_type_detect(f.image, 4), IMAGE_ELF);
	ck_assert_int_eq(image_type_detect(f.image, 3), IMAGE_RAW);
	put_multiboot(DATA_OFFSET);
	ck_assert_int_eq(image_type_detect(f.image, f.size), IMAGE_MULTIBOOT);
	put_multiboot2(DATA_OFFSET + 64);
	ck_assert_int_eq(image_type_detect(f.image, f.size), IMAGE_MULTIBOOT2);
	compress_image();
	ck_assert_int_eq(image_type_detect(f.image, f.size), IMAGE_MULTIBOOT2);
	ck_assert_int_eq(image_type_detect(f.image, 17), IMAGE_RAW);
	memcpy(f.image + 0x202, "HdrS", 4);
	f.image[0] = 0;
	ck_assert_int_eq(image_type_detect(f.image, 0x206), IMAGE_BZIMAGE);
	ck_assert_int_eq(image_type_detect(f.image, 0x205), IMAGE_RAW);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(image_type_name(IMAGE_AUTO), "auto");
	ck_assert_str_eq(image_type_name(IMAGE_MULTIBOOT), "multiboot");
	ck_assert_str_eq(image_type_name(IMAGE_MULTIBOOT2), "multiboot2");
	ck_assert_str_eq(image_type_name(IMAGE_ELF), "elf");
	ck_assert_str_eq(image_type_name(IMAGE_BZIMAGE), "bzimage");
	ck_assert_str_eq(image_type_name(IMAGE_ARM64), "arm64-image");
	ck_assert_str_eq(image_type_name(IMAGE_RAW), "raw");
	ck_assert_str_eq(image_type_name((enum image_type)99), "unknown");
}
END_TEST

START_TEST(a_stated_type_wins)
{
	build_elf32(0x100020, &code, 1);
	put_multiboot(DATA_OFFSET);
	put_multiboot2(DATA_OFFSET + 64);
	f.req.type = IMAGE_MULTIBOOT;
	assert_loaded();
	ck_assert_uint_eq(f.entry.x86.eax, 0x2BADB002);
}
END_TEST

START_TEST(raw)
{
	f.size = 0x3000;
	put_pattern(0, f.size);
	f.req.type = IMAGE_RAW;
	f.req.load_address = 0x100000;
	f.req.entry = 0x100010;
	assert_loaded();
	assert_guest_image(0x100000, 0, 0x3000);
	assert_guest_is(0x103000, 0x100, FILL);
	assert_claimed("raw image", 0x100000, 0x3000);
	ck_assert_uint_eq(f.entry.pc, 0x100010);
	ck_assert_uint_eq(f.entry.x86.eax | f.entry.x86.ebx | f.entry.x86.esi, 0);
	ck_assert_uint_eq(f.entry.x86.gdt, X86_BOOT_GDT);
	assert_gdt();
}
END_TEST

static void refuse_raw(gpa_t load, gpa_t entry, const char *text)
{
	fixture_fini();
	setup();
	f.size = 0x1000;
	f.req.type = IMAGE_RAW;
	f.req.load_address = load;
	f.req.entry = entry;
	assert_refused(text);
}

START_TEST(bad_raw)
{
	refuse_raw(0x100000, 0x101000,
		"entry 0x101000 is not inside the loaded image (0x100000-0x100fff)");
	refuse_raw(0x100000, 0xFFFFF, "entry 0xfffff is not inside");
	refuse_raw(0xFFF800, 0xFFF800, "does not lie inside guest RAM");
	refuse_raw(UINT64_MAX - 5, UINT64_MAX - 5, "passes the end of the address space");
	refuse_raw(0x100000000, 0x100000000, "below 4 GiB");
}
END_TEST

START_TEST(raw_is_not_decompressed)
{
	f.size = 0x1000;
	put_pattern(0, f.size);
	compress_image();
	f.req.type = IMAGE_RAW;
	f.req.load_address = f.req.entry = 0x100000;
	assert_loaded();
	assert_guest_image(0x100000, 0, f.size);
}
END_TEST

START_TEST(unknown_bytes)
{
	f.size = 4096;
	assert_refused("state \"type: raw\" if it is a flat binary");
	fixture_fini();
	setup();
	f.size = 4096;
	memcpy(f.image, "MZ", 2);
	assert_refused("a UEFI program (PE) without a Linux setup header");
	memcpy(f.image + 56, "ARM\x64", 4);
	f.diags.errors = 0;
	assert_refused("an arm64 Linux Image, but this is an x86 partition");
	fixture_fini();
	setup();
	assert_refused("the file is empty");
	fixture_fini();
	setup();
	f.size = 1;
	assert_refused("not recognised");
}
END_TEST

START_TEST(gzip)
{
	uint8_t want[0x400];

	build_elf32(0x100020, &code, 1);
	put_multiboot(DATA_OFFSET);
	memcpy(want, f.image + DATA_OFFSET, sizeof(want));
	compress_image();
	memset(f.image + f.size, 0x77, 100); /* garbage behind, as gzip tolerates it */
	f.size += 100;
	assert_loaded();
	ck_assert_mem_eq(guest(0x100000, 0x400), want, 0x400);
	ck_assert_uint_eq(f.entry.x86.eax, 0x2BADB002);
}
END_TEST

START_TEST(gzip_of_two_members)
{
	static uint8_t first[4096];
	static uint8_t whole[8192];
	uint8_t *out = NULL;
	size_t first_size, out_size = 0;

	put_pattern(0, 8192);
	memcpy(whole, f.image, 8192);
	f.size = 4096;
	compress_image();
	first_size = f.size;
	memcpy(first, f.image, first_size);
	memcpy(f.image, whole + 4096, 4096);
	f.size = 4096;
	compress_image();
	memmove(f.image + first_size, f.image, f.size);
	memcpy(f.image, first, first_size);
	ck_assert_int_eq(gunzip(f.image, first_size + f.size, 1 << 20, &out, &out_size), 0);
	ck_assert_uint_eq(out_size, 8192);
	ck_assert_mem_eq(out, whole, 8192);
	free(out);
	out = NULL;
	ck_assert_int_eq(gunzip(f.image, first_size + f.size, 5000, &out, &out_size), -E2BIG);
	ck_assert_ptr_null(out);
}
END_TEST

START_TEST(gzip_grows_its_buffer)
{
	uint8_t *out = NULL;
	size_t out_size = 0;

	f.size = sizeof(f.image);
	compress_image(); /* zeros: 256 KiB become some hundred bytes */
	ck_assert_int_eq(gunzip(f.image, f.size, 1 << 20, &out, &out_size), 0);
	ck_assert_uint_eq(out_size, sizeof(f.image));
	free(out);
}
END_TEST

START_TEST(bad_gzip)
{
	f.size = 8192;
	put_pattern(0, f.size);
	compress_image();
	f.size /= 2;
	assert_refused("the gzip file ends early");
	fixture_fini();
	setup();
	f.size = 8192;
	put_pattern(0, f.size);
	compress_image();
	f.image[f.size - 6] ^= 1; /* CRC */
	assert_refused("the data of the gzip file are corrupt");
	fixture_fini();
	fixture_init(2 * MIB);
	build_elf32(0x100020, &code, 1);
	compress_image();
	f.m.range_count = 1; /* 640 KiB of RAM, fewer than the file needs */
	f.m.ranges[0].size = 4096;
	assert_refused("decompresses to more than 4096 bytes, which is guest RAM");
	fixture_fini();
	setup();
	build_elf32(0x100020, &code, 1);
	compress_image();
	compress_image();
	assert_refused("kernel (gzip, decompressed): compressed twice with gzip");
}
END_TEST

/* What each type is given beside the image, all of it wrong where it takes nothing of it. */
START_TEST(what_a_type_takes)
{
	static const struct {
		enum image_type type;
		const char *errors[3]; /* about command line, initrd, modules */
	} rows[] = {
		{IMAGE_BZIMAGE, {NULL, NULL, "type bzimage takes no modules; leave them out"}},
		{IMAGE_ELF, {"type elf cannot be given a command line; leave it out",
				    "type elf takes no initrd; leave it out, or use a bzImage",
				    "type elf takes no modules; leave them out"}},
		{IMAGE_RAW, {"type raw cannot be given a command line; leave it out",
				    "type raw takes no initrd; leave it out, or use a bzImage",
				    "type raw takes no modules; leave them out"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned errors = 0;

		fixture_fini();
		setup();
		f.size = 4096;
		f.req.type = rows[i].type;
		f.req.cmdline.string = "x";
		f.req.initrd = &f.initrd;
		add_module("m", "", "x", 1);
		ck_assert_int_eq(load_image(), -EINVAL);
		for (unsigned e = 0; e < 3; e++) {
			if (!rows[i].errors[e])
				continue;
			ck_assert_msg(diag_has(DIAG_ERROR, rows[i].errors[e]), "no error \"%s\"",
				rows[i].errors[e]);
			errors++;
		}
		ck_assert_uint_eq(f.diags.errors, errors);
	}
}
END_TEST

static void fill_claims(void)
{
	char what[16];

	for (unsigned i = 0; i < MACHINE_CLAIMS_MAX; i++) {
		snprintf(what, sizeof(what), "claim %u", i);
		ck_assert_int_eq(machine_claim(&f.m, 0x200000 + i * 16, 16, what, NULL), 0);
	}
}

START_TEST(full_claim_table)
{
	fill_claims();
	build_elf32(0x100020, &code, 1);
	assert_refused(
		"image segment 0 is one thing too many to place in guest memory (at most 192)");
	fixture_fini();
	setup();
	fill_claims();
	f.m.claim_count -= 1;
	build_elf32(0x100020, &code, 1);
	assert_refused("boot GDT is one thing too many");
}
END_TEST

/* Every file of $BULKHEAD_TEST_IMAGES is recognised and loads, into 512 MiB. */
START_TEST(real_images)
{
	const char *path = getenv("BULKHEAD_TEST_IMAGES");
	AUTO_CLOSEDIR DIR *dir = opendir(path);
	struct dirent *e;
	unsigned count = 0;

	ck_assert_msg(dir != NULL, "%s cannot be read", path);
	while ((e = readdir(dir))) {
		struct file_map map;
		char name[512];

		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		ck_assert_int_eq(file_map_path(name, &map), 0);
		fixture_fini();
		fixture_init_for(image_type_detect(map.data, map.size) == IMAGE_ARM64
					 ? GUEST_ARM64
					 : GUEST_X86_64,
			512 * MIB);
		f.req.image.path = name;
		f.req.image.data = map.data;
		f.req.image.size = map.size;
		ck_assert_msg(!loader_load(&f.m, &f.req, &f.entry, &f.diags), "%s",
			f.diags.count ? f.diags.items[0].text : name);
		file_unmap(&map);
		count++;
	}
	ck_assert_uint_gt(count, 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("loader/loader");
	TCase *t = tcase_create("loader");

	tcase_add_checked_fixture(t, setup, fixture_fini);
	tcase_add_test(t, detection);
	tcase_add_test(t, names);
	tcase_add_test(t, a_stated_type_wins);
	tcase_add_test(t, raw);
	tcase_add_test(t, bad_raw);
	tcase_add_test(t, raw_is_not_decompressed);
	tcase_add_test(t, unknown_bytes);
	tcase_add_test(t, gzip);
	tcase_add_test(t, gzip_of_two_members);
	tcase_add_test(t, gzip_grows_its_buffer);
	tcase_add_test(t, bad_gzip);
	tcase_add_test(t, what_a_type_takes);
	tcase_add_test(t, full_claim_table);
	if (getenv("BULKHEAD_TEST_IMAGES"))
		tcase_add_test(t, real_images);
	suite_add_tcase(s, t);
	return s;
}
