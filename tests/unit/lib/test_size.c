/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/size.h"
#include "lib/util.h"
#include "tests/unit/unit.h"

#include <errno.h>

START_TEST(sizes)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t value;
	} cases[] = {
		{"0", 0, 0},
		{"1", 0, 1},
		{"512M", 0, 512 * MIB},
		{"512m", 0, 512 * MIB},
		{"1GiB", 0, GIB},
		{"0x100000", 0, MIB},
		{"2T", 0, 2048 * GIB},
		{"7B", 0, 7},
		{"16777215T", 0, 16777215 * (1024 * GIB)},
		{"16777216T", -ERANGE, 0},
		{"18446744073709551616", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"M", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 M", -EINVAL, 0},
		{"1.5G", -EINVAL, 0},
		{"512MB", -EINVAL, 0},
		{"0x", -EINVAL, 0},
		{"1Q", -EINVAL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = 0;

		ck_assert_msg(
			parse_size(cases[i].text, &value) == cases[i].ret, "%s", cases[i].text);
		ck_assert_msg(value == cases[i].value, "%s", cases[i].text);
	}
}
END_TEST

START_TEST(durations)
{
	uint64_t ns = 7;

	ck_assert_int_eq(parse_duration("30s", &ns), 0);
	ck_assert_uint_eq(ns, 30000000000);
	ck_assert_int_eq(parse_duration("200ms", &ns), 0);
	ck_assert_uint_eq(ns, 200000000);
	ck_assert_int_eq(parse_duration("2h", &ns), 0);
	ck_assert_uint_eq(ns, 7200000000000);
	ck_assert_int_eq(parse_duration("0", &ns), 0);
	ck_assert_uint_eq(ns, 0);
	ns = 7;
	ck_assert_int_eq(parse_duration("30", &ns), -EINVAL);
	ck_assert_int_eq(parse_duration("0x10s", &ns), -EINVAL);
	ck_assert_int_eq(parse_duration("6000000h", &ns), -ERANGE);
	ck_assert_uint_eq(ns, 7);
}
END_TEST

START_TEST(formats_read_back)
{
	static const uint64_t values[] = {
		0, 1, 1023, 1024, 1536, 512 * MIB, GIB + MIB, 3 * GIB, UINT64_MAX, 60000000000};
	char buf[QUANTITY_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		uint64_t back = 1;

		ck_assert_int_eq(parse_size(format_size(values[i], buf), &back), 0);
		ck_assert_uint_eq(back, values[i]);
	}
	ck_assert_str_eq(format_size(512 * MIB, buf), "512M");
	ck_assert_str_eq(format_size(1536, buf), "1536");
	ck_assert_str_eq(format_size(0, buf), "0");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/size");
	TCase *t = tcase_create("size");

	tcase_add_test(t, sizes);
	tcase_add_test(t, durations);
	tcase_add_test(t, formats_read_back);
	suite_add_tcase(s, t);
	return s;
}
