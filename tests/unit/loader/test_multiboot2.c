/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/loader/fixture.h"

#define MAGIC 0xE85250D6u

static const struct segment code = {0x200000, 0x200000, DATA_OFFSET, 0x400, 0x1000};

/* Where the next tag of the header goes, and where the header is. */
static size_t next, header;

static void begin(size_t at)
{
	header = at;
	poke32(at, MAGIC);
	poke32(at + 4, 0);
	next = at + 16;
}

/* A tag with COUNT 32-bit words after type, flags and size. */
static void tag(uint16_t type, uint16_t flags, unsigned count, const uint32_t *words)
{
	poke32(next, (uint32_t)type | (uint32_t)flags << 16);
	poke32(next + 4, 8 + 4 * count);
	for (unsigned i = 0; i < count; i++)
		poke32(next + 8 + 4 * i, words[i]);
	next += align_up(8 + 4 * count, 8);
}

#define TAG(type, flags, ...)                                                                      \
	tag(type, flags, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__})

static void seal(void)
{
	poke32(header + 8, (uint32_t)(next - header));
	poke32(header + 12, -(MAGIC + get_le32(f.image + header + 4) + (uint32_t)(next - header)));
}

static void end(void)
{
	tag(0, 0, 0, NULL);
	seal();
}

static void restart(void)
{
	fixture_fini();
	setup();
	build_elf32(0x200040, &code, 1);
	begin(DATA_OFFSET);
}

/* The information tag TYPE, its header included, or NULL. */
static const uint8_t *info_tag(uint32_t type)
{
	gpa_t at = f.entry.x86.ebx, stop = at + guest_le32(at) - 8; /* the end tag */

	ck_assert_uint_eq(at % 8, 0);
	for (at += 8; at < stop; at += align_up(guest_le32(at + 4), 8)) {
		if (guest_le32(at) == type)
			return guest(at, guest_le32(at + 4));
		ck_assert_uint_ne(guest_le32(at), 0);
	}
	return NULL;
}

START_TEST(information)
{
	static uint8_t module[100] = {1};
	const uint8_t *t;
	gpa_t info, stop;

	restart();
	TAG(1, 0, 4, 6, 8, 15); /* all known; there is no framebuffer and no RSDP */
	tag(6, 0, 0, NULL);
	end();
	f.req.cmdline.string = "a=b";
	add_module("/host/m.bin", "linux", module, sizeof(module));
	assert_loaded();
	ck_assert_uint_eq(f.diags.count, 0);
	assert_guest_image(0x200000, DATA_OFFSET, 0x400);
	ck_assert_uint_eq(f.entry.pc, 0x200040);
	ck_assert_uint_eq(f.entry.x86.eax, 0x36D76289);
	assert_gdt();
	info = f.entry.x86.ebx;
	ck_assert_uint_eq(info, X86_MULTIBOOT_INFO);
	assert_claimed("multiboot information", info, guest_le32(info));
	ck_assert_uint_eq(guest_le32(info + 4), 0);
	stop = info + guest_le32(info) - 8;
	ck_assert_uint_eq(guest_le32(stop), 0);
	ck_assert_uint_eq(guest_le32(stop + 4), 8);
	ck_assert_str_eq((const char *)info_tag(1) + 8, "kernel a=b");
	ck_assert_uint_eq(get_le32(info_tag(1) + 4), 8 + 11);
	ck_assert_str_eq((const char *)info_tag(2) + 8, "bulkhead");
	t = info_tag(3);
	ck_assert_uint_eq(get_le32(t + 8), 0x201000);
	ck_assert_uint_eq(get_le32(t + 12), 0x201064);
	ck_assert_str_eq((const char *)t + 16, "linux");
	t = info_tag(4);
	ck_assert_uint_eq(get_le32(t + 8), 640);
	ck_assert_uint_eq(get_le32(t + 12), (RAM - MIB) / KIB);
	t = info_tag(6);
	ck_assert_uint_eq(get_le32(t + 4), 16 + 3 * 24);
	ck_assert_uint_eq(get_le32(t + 8), 24);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(get_le64(t + 16 + 24 * i), f.m.ranges[i].base);
		ck_assert_uint_eq(get_le64(t + 24 + 24 * i), f.m.ranges[i].size);
		ck_assert_uint_eq(get_le32(t + 32 + 24 * i), i == 1 ? 2 : 1);
	}
	ck_assert_ptr_null(info_tag(8));
	ck_assert_ptr_null(info_tag(14));
	ck_assert_ptr_null(info_tag(15));
	ck_assert_ptr_null(info_tag(21));
}
END_TEST

START_TEST(rsdp)
{
	uint8_t r[36] = "RSD PTR ";

	r[15] = 2;
	r[24] = 0x80;
	ck_assert_int_eq(gmem_write(&f.m.gmem, X86_ACPI_RSDP, r, sizeof(r)), 0);
	build_elf32(0x200040, &code, 1);
	begin(DATA_OFFSET);
	end();
	f.req.acpi_rsdp = X86_ACPI_RSDP;
	assert_loaded();
	ck_assert_ptr_null(info_tag(14)); /* no RSDT */
	ck_assert_uint_eq(get_le32(info_tag(15) + 4), 44);
	ck_assert_mem_eq(info_tag(15) + 8, r, 36);

	restart();
	end();
	r[15] = 0;
	r[16] = 1;
	ck_assert_int_eq(gmem_write(&f.m.gmem, X86_ACPI_RSDP, r, sizeof(r)), 0);
	f.req.acpi_rsdp = X86_ACPI_RSDP;
	assert_loaded();
	ck_assert_ptr_null(info_tag(15));
	ck_assert_uint_eq(get_le32(info_tag(14) + 4), 28);
	ck_assert_mem_eq(info_tag(14) + 8, r, 20);
}
END_TEST

START_TEST(address_and_entry_tags)
{
	put_pattern(0, 0x2000);
	f.size = 0x2000;
	begin(0x100);
	TAG(2, 0, 0x200080, 0x200000, 0x201000, 0x202000);
	TAG(3, 0, 0x200008);
	end();
	assert_loaded();
	assert_guest_image(0x200000, 0x80, 0x1000);
	assert_guest_is(0x201000, 0x1000, 0);
	ck_assert_uint_eq(f.entry.pc, 0x200008);

	/* load_addr of all ones: from the start of the file */
	fixture_fini();
	setup();
	f.size = 0x2000;
	begin(0x100);
	TAG(2, 0, 0x200100, 0xFFFFFFFF, 0, 0);
	TAG(3, 0, 0x200008);
	end();
	assert_loaded();
	assert_claimed("image", 0x200000, 0x2000);

	fixture_fini();
	setup();
	begin(0x100);
	TAG(2, 0, 0x200100, 0x200000, 0, 0);
	end();
	assert_refused("at offset 0x100 has an address tag but no entry address tag");
}
END_TEST

START_TEST(entry_tag_of_elf)
{
	restart();
	TAG(3, 0, 0x200100);
	end();
	assert_loaded();
	ck_assert_uint_eq(f.entry.pc, 0x200100);
	restart();
	TAG(3, 0, 0x300000);
	end();
	assert_refused("entry 0x300000 is not inside the loaded image");
}
END_TEST

/* Loads with a relocatable tag; where the image then is. */
static gpa_t relocated(uint32_t min, uint32_t max, uint32_t align, uint32_t preference)
{
	gpa_t base;

	restart();
	TAG(10, 0, min, max, align, preference);
	end();
	assert_loaded();
	base = claim_named("image")->base;
	ck_assert_uint_eq(claim_named("image")->size, 0x1000);
	ck_assert_uint_eq(get_le32(info_tag(21) + 4), 12);
	ck_assert_uint_eq(get_le32(info_tag(21) + 8), base);
	ck_assert_uint_eq(f.entry.pc, base + 0x40);
	assert_guest_image(base, DATA_OFFSET, 0x400);
	assert_guest_is(base + 0x400, 0xC00, 0);
	return base;
}

START_TEST(relocatable)
{
	ck_assert_uint_eq(relocated(0x100000, 0xFFFFFFFF, 0x1000, 0), 0x200000);
	ck_assert_uint_eq(relocated(0x300000, 0xFFFFFFFF, 0x1000, 0), 0x300000);
	ck_assert_uint_eq(relocated(0x100000, 0xFFFFFFFF, 0x1000, 1), 0x100000);
	ck_assert_uint_eq(relocated(0x110000, 0xFFFFFFFF, 0x200000, 1), 0x200000);
	ck_assert_uint_eq(relocated(0x100000, 0xFFFFFFFF, 0x1000, 2), RAM - 0x1000);
	ck_assert_uint_eq(relocated(0x100000, 0xFFFFFFFF, 0x200000, 2), RAM - 0x200000);
	ck_assert_uint_eq(relocated(0x100000, 0x400000, 0x1000, 2), 0x3FF000);
}
END_TEST

/* Low RAM is for those who fit nowhere else; page 0 is for nobody. */
START_TEST(relocatable_in_low_ram)
{
	static const struct segment at_zero = {0, 0, DATA_OFFSET, 0x400, 0x1000};

	ck_assert_uint_eq(relocated(0, 0xFFFFFFFF, 0x1000, 1), 0x100000);
	ck_assert_uint_eq(relocated(0x8000, 0xFFFFFFFF, 0x1000, 1), 0x100000);
	ck_assert_uint_eq(relocated(0, 0x100FFF, 0x1000, 1), 0x1000);
	ck_assert_uint_eq(relocated(0x8000, 0x100000, 0x1000, 1), 0x8000);
	ck_assert_uint_eq(relocated(0, 0x100000, 0x1000, 0), 0x1000);
	ck_assert_uint_eq(relocated(0, 0x100000, 0x1000, 2), 0x9F000);

	fixture_fini();
	setup();
	build_elf32(0x40, &at_zero, 1);
	begin(DATA_OFFSET);
	TAG(10, 0, 0, 0xFFFFFFFF, 0x1000, 0);
	end();
	assert_loaded();
	assert_claimed("image", 0x100000, 0x1000);
	ck_assert_uint_eq(f.entry.pc, 0x100040);

	restart();
	TAG(10, 0, 0, 0x1FFF, 0x1000, 1);
	end();
	assert_refused("no room for the relocatable image");
}
END_TEST

START_TEST(relocatable_around_what_is_there)
{
	restart();
	ck_assert_int_eq(machine_claim(&f.m, 0x200800, 16, "other", NULL), 0);
	TAG(10, 0, 0x200000, 0xFFFFFFFF, 0x1000, 0);
	end();
	assert_loaded();
	assert_claimed("image", 0x201000, 0x1000);
}
END_TEST

START_TEST(bad_relocatable)
{
	restart();
	TAG(10, 0, 0x100000, 0x200000, 0x3000, 0);
	end();
	assert_refused("has align 0x3000; wanted a power of two");
	restart();
	TAG(10, 0, 0x100000, 0x200000, 0x1000, 3);
	end();
	assert_refused("has preference 3; wanted 0");
	restart();
	TAG(10, 0, 0x1000000, 0xFFFFFFFF, 0x1000, 1);
	end();
	assert_refused(
		"no room for the relocatable image (0x1000 bytes, aligned to 0x1000) between");
	restart();
	TAG(10, 0, 0x200000, 0, 0x1000, 0);
	end();
	assert_refused("no room for the relocatable image");
}
END_TEST

START_TEST(requests)
{
	restart();
	TAG(1, 0, 4, 9);
	end();
	assert_refused(
		"requires multiboot2 information tag 9 (information request at offset 0x1010)");
	restart();
	TAG(1, 0, 22);
	end();
	assert_refused("requires multiboot2 information tag 22 ");
	restart();
	TAG(1, 1, 9, 99);
	end();
	assert_loaded();
}
END_TEST

START_TEST(other_tags)
{
	restart();
	TAG(77, 1, 0);
	TAG(4, 1, 1);
	TAG(5, 1, 0, 0, 0);
	tag(7, 0, 0, NULL);
	TAG(9, 0, 0);
	end();
	assert_loaded();
	ck_assert_uint_eq(f.diags.count, 0);
	restart();
	TAG(4, 0, 1);
	TAG(5, 0, 0, 0, 0);
	end();
	assert_loaded();
	ck_assert(diag_has(DIAG_WARNING, "requires a screen"));
	ck_assert(diag_has(DIAG_WARNING, "asks for a framebuffer"));
	restart();
	TAG(77, 0, 0);
	end();
	assert_refused("header tag 77 at offset 0x1010 is required but not known");
}
END_TEST

START_TEST(bad_headers)
{
	restart();
	TAG(2, 0, 0x200080, 0x200000);
	end();
	assert_refused("header tag 2 at offset 0x1010 has size 16, wanted at least 24");
	restart();
	TAG(1, 0, 4);
	seal();
	assert_refused("(32 bytes) has no end tag");
	restart();
	tag(6, 0, 0, NULL);
	poke32(DATA_OFFSET + 20, 4);
	end();
	assert_refused("header tag 6 at offset 0x1010 has size 4, the header has 16 bytes left");
	restart();
	tag(6, 0, 0, NULL);
	poke32(DATA_OFFSET + 20, 0xFFFFFFF8);
	end();
	assert_refused("has size 4294967288");
	restart();
	poke32(DATA_OFFSET + 4, 4);
	end();
	assert_refused("is for architecture 4; wanted 0 (i386)");
	restart();
	end();
	poke32(DATA_OFFSET + 8, 0x8000);
	poke32(DATA_OFFSET + 12, -(MAGIC + 0x8000));
	assert_refused("has length 32768, which passes byte 5120");
	restart();
	end();
	f.image[DATA_OFFSET + 12] ^= 1;
	f.req.type = IMAGE_MULTIBOOT2;
	assert_refused("no multiboot2 header (0xe85250d6 with a valid checksum");
	fixture_fini();
	setup();
	begin(0);
	end();
	assert_refused("not an ELF file, and the multiboot2 header at offset 0 has no address tag");
}
END_TEST

START_TEST(header_search)
{
	size_t at = 0;

	begin(32768 - 24);
	next = 32768;
	seal();
	ck_assert(multiboot2_find(f.image, f.size, &at));
	ck_assert_uint_eq(at, 32768 - 24);
	memset(f.image, 0, sizeof(f.image));
	begin(32768);
	end();
	ck_assert(!multiboot2_find(f.image, f.size, &at));
	memset(f.image, 0, sizeof(f.image));
	begin(4);
	end();
	ck_assert(!multiboot2_find(f.image, f.size, &at));
	ck_assert(!multiboot2_find(f.image, 15, &at));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("loader/multiboot2");
	TCase *t = tcase_create("multiboot2");

	tcase_add_checked_fixture(t, setup, fixture_fini);
	tcase_add_test(t, information);
	tcase_add_test(t, rsdp);
	tcase_add_test(t, address_and_entry_tags);
	tcase_add_test(t, entry_tag_of_elf);
	tcase_add_test(t, relocatable);
	tcase_add_test(t, relocatable_in_low_ram);
	tcase_add_test(t, relocatable_around_what_is_there);
	tcase_add_test(t, bad_relocatable);
	tcase_add_test(t, requests);
	tcase_add_test(t, other_tags);
	tcase_add_test(t, bad_headers);
	tcase_add_test(t, header_search);
	suite_add_tcase(s, t);
	return s;
}
