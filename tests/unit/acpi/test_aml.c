/* SPDX-License-Identifier: BSD-3-Clause */
#include "acpi/aml.h"
#include "lib/util.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static uint8_t buf[0x120000];
static struct aml a;

static void setup(void)
{
	aml_init(&a, buf, sizeof(buf));
}

static void expect(const void *bytes, size_t n)
{
	ck_assert_int_eq(aml_error(&a), 0);
	ck_assert_uint_eq(a.used, n);
	ck_assert_mem_eq(buf, bytes, n);
	setup();
}

#define EXPECT(...) expect((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

START_TEST(integers)
{
	aml_integer(&a, 0);
	EXPECT(0x00);
	aml_integer(&a, 1);
	EXPECT(0x01);
	aml_integer(&a, 2);
	EXPECT(0x0A, 0x02);
	aml_integer(&a, 0xFF);
	EXPECT(0x0A, 0xFF);
	aml_integer(&a, 0x100);
	EXPECT(0x0B, 0x00, 0x01);
	aml_integer(&a, 0x10000);
	EXPECT(0x0C, 0x00, 0x00, 0x01, 0x00);
	aml_integer(&a, 0x100000000);
	EXPECT(0x0E, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00);
}
END_TEST

START_TEST(names)
{
	aml_name(&a, "_S5");
	EXPECT(0x08, '_', 'S', '5', '_');
	aml_name(&a, "COM1");
	EXPECT(0x08, 'C', 'O', 'M', '1');
}
END_TEST

START_TEST(malformed_names)
{
	static const char *const bad[] = {"", "1COM", "COM12", "com1", "A.B", "A B", "\\_SB"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		aml_name(&a, bad[i]);
		ck_assert_msg(aml_error(&a) == -EINVAL, "%s", bad[i]);
		setup();
	}
}
END_TEST

START_TEST(hids)
{
	aml_hid(&a, "PNP0501");
	EXPECT(0x0C, 0x41, 0xD0, 0x05, 0x01);
	aml_hid(&a, "PNP0A08");
	EXPECT(0x0C, 0x41, 0xD0, 0x0A, 0x08);
	aml_hid(&a, "ACPI0007");
	expect("\x0D"
	       "ACPI0007",
		10);
	aml_hid(&a, "PNP050G");
	expect("\x0D"
	       "PNP050G",
		9);
	aml_hid(&a, "pnp0501");
	expect("\x0D"
	       "pnp0501",
		9);
}
END_TEST

START_TEST(nested_packages)
{
	aml_open_scope(&a, "_SB");
	aml_open_device(&a, "DEV0");
	aml_name(&a, "PKG");
	aml_open_package(&a, 2);
	aml_integer(&a, 5);
	aml_integer(&a, 0);
	aml_close(&a);
	aml_close(&a);
	ck_assert_int_eq(aml_error(&a), -EINVAL); /* one is still open */
	aml_close(&a);
	EXPECT(0x10, 23, '_', 'S', 'B', '_', 0x5B, 0x82, 16, 'D', 'E', 'V', '0', 0x08, 'P', 'K',
		'G', '_', 0x12, 5, 2, 0x0A, 5, 0x00);
}
END_TEST

/* PkgLength counts itself; each number of bytes at its limits [ACPI 6.4 20.2.4]. */
START_TEST(package_lengths)
{
	static const struct {
		size_t contents; /* element count included */
		uint8_t length[4];
		size_t bytes;
	} cases[] = {
		{1, {0x02}, 1},
		{0x3E, {0x3F}, 1},
		{0x3F, {0x41, 0x04}, 2},
		{0xFFD, {0x4F, 0xFF}, 2},
		{0xFFE, {0x81, 0x00, 0x01}, 3},
		{0xFFFFC, {0x8F, 0xFF, 0xFF}, 3},
		{0xFFFFD, {0xC1, 0x00, 0x00, 0x01}, 4},
	};
	static const uint8_t filler[0x100000];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup();
		aml_open_package(&a, 0x5A);
		aml_bytes(&a, filler, cases[i].contents - 1);
		aml_close(&a);
		ck_assert_int_eq(aml_error(&a), 0);
		ck_assert_uint_eq(a.used, 1 + cases[i].bytes + cases[i].contents);
		ck_assert_mem_eq(buf + 1, cases[i].length, cases[i].bytes);
		ck_assert_uint_eq(buf[1 + cases[i].bytes], 0x5A);
	}
}
END_TEST

START_TEST(resources)
{
	aml_open_resources(&a);
	aml_resource_io(&a, 0x3F8, 8);
	aml_resource_isa_irq(&a, 4);
	aml_close(&a);
	EXPECT(0x11, 16, 0x0A, 13, 0x47, 0x01, 0xF8, 0x03, 0xF8, 0x03, 0x01, 0x08, 0x22, 0x10, 0x00,
		0x79, 0x00);
	aml_open_resources(&a);
	aml_resource_memory(&a, 0xFEB00000, 0x1000);
	aml_resource_interrupt(&a, 20, 1);
	aml_resource_interrupt(&a, 21, 0);
	aml_close(&a);
	EXPECT(0x11, 35, 0x0A, 32, 0x86, 9, 0, 1, 0x00, 0x00, 0xB0, 0xFE, 0x00, 0x10, 0x00, 0x00,
		0x89, 6, 0, 0x01, 1, 20, 0, 0, 0, 0x89, 6, 0, 0x03, 1, 21, 0, 0, 0, 0x79, 0x00);
}
END_TEST

START_TEST(resource_limits)
{
	aml_resource_io(&a, 0xFFFF, 0xFF);
	aml_resource_memory(&a, 0xFFFFFFFF, 0xFFFFFFFF);
	aml_resource_isa_irq(&a, 15);
	ck_assert_int_eq(aml_error(&a), 0);
	aml_resource_io(&a, 0x10000, 1);
	ck_assert_int_eq(aml_error(&a), -ERANGE);
	setup();
	aml_resource_io(&a, 0, 0x100);
	ck_assert_int_eq(aml_error(&a), -ERANGE);
	setup();
	aml_resource_memory(&a, 0x100000000, 1);
	ck_assert_int_eq(aml_error(&a), -ERANGE);
	setup();
	aml_resource_isa_irq(&a, 16);
	ck_assert_int_eq(aml_error(&a), -ERANGE);
}
END_TEST

/* Whatever the buffer's size: -ENOSPC or all of it, never a byte past the end. */
START_TEST(aperture_limits)
{
	static const struct {
		void (*emit)(struct aml *a, uint64_t base, uint64_t size);
		uint64_t base, size;
		size_t bytes; /* 0: refused */
	} cases[] = {
		{aml_resource_buses, 0, 256, 16},
		{aml_resource_io_aperture, 0xFFFF, 1, 16},
		{aml_resource_io_aperture, 0xFFFF, 2, 0},
		{aml_resource_io_aperture, 0, 0, 0},
		{aml_resource_memory_aperture, 0xF0000000, 0x10000000, 26},
		{aml_resource_memory_aperture, 0xF0000000, 0x10000001, 46},
		{aml_resource_memory_aperture, UINT64_MAX, 1, 46},
		{aml_resource_memory_aperture, UINT64_MAX, 2, 0},
		{aml_resource_memory_aperture, 0x1000, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup();
		cases[i].emit(&a, cases[i].base, cases[i].size);
		ck_assert_int_eq(aml_error(&a), cases[i].bytes ? 0 : -ERANGE);
		if (cases[i].bytes)
			ck_assert_uint_eq(a.used, cases[i].bytes);
	}
}
END_TEST

START_TEST(overflow_sticks)
{
	uint8_t small[64];
	size_t whole = 0;

	for (size_t size = 0; size <= sizeof(small) - 1; size++) {
		memset(small, 0xEE, sizeof(small));
		aml_init(&a, small, size);
		aml_open_device(&a, "DEV0");
		aml_name(&a, "_HID");
		aml_hid(&a, "ACPI0007");
		aml_name(&a, "_CRS");
		aml_open_resources(&a);
		aml_resource_io(&a, 0x70, 2);
		aml_close(&a);
		aml_close(&a);
		if (!aml_error(&a) && !whole)
			whole = size;
		ck_assert_int_eq(aml_error(&a), whole ? 0 : -ENOSPC);
		ck_assert_uint_eq(small[size], 0xEE);
	}
	ck_assert_uint_eq(whole, 2 + 1 + 4 + 5 + 10 + 5 + 2 + 2 + 8 + 2);
}
END_TEST

START_TEST(unbalanced)
{
	aml_close(&a);
	ck_assert_int_eq(aml_error(&a), -EINVAL);
	setup();
	for (unsigned i = 0; i < AML_DEPTH_MAX; i++)
		aml_open_scope(&a, "S");
	aml_open_scope(&a, "S");
	for (unsigned i = 0; i <= AML_DEPTH_MAX; i++)
		aml_close(&a);
	ck_assert_int_eq(aml_error(&a), -EINVAL);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("acpi/aml");
	TCase *t = tcase_create("aml");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, integers);
	tcase_add_test(t, names);
	tcase_add_test(t, malformed_names);
	tcase_add_test(t, hids);
	tcase_add_test(t, nested_packages);
	tcase_add_test(t, package_lengths);
	tcase_add_test(t, resources);
	tcase_add_test(t, resource_limits);
	tcase_add_test(t, aperture_limits);
	tcase_add_test(t, overflow_sticks);
	tcase_add_test(t, unbalanced);
	suite_add_tcase(s, t);
	return s;
}
