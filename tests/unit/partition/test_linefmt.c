/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/linefmt.h"
#include "tests/unit/unit.h"

#include <string.h>

static char result[65536];

static const char *format(struct linefmt *f, const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += linefmt_byte(f, (uint8_t)*text, (uint8_t *)result + n);
	result[n] = '\0';
	return result;
}

static const char *format_plain(const char *text)
{
	struct linefmt f;

	linefmt_init(&f, "a", -1);
	return format(&f, text);
}

START_TEST(lines_have_prefixes)
{
	ck_assert_str_eq(format_plain("one\ntwo\n"), "a | one\na | two\n");
	ck_assert_str_eq(format_plain("login: "), "a | login: ");
	ck_assert_str_eq(format_plain("\n\nx"), "a | \na | \na | x");
}
END_TEST

START_TEST(carriage_returns)
{
	ck_assert_str_eq(format_plain("one\r\ntwo\r\n"), "a | one\na | two\n");
	ck_assert_str_eq(format_plain("one\r\n\r\ntwo"), "a | one\na | \na | two");
	ck_assert_str_eq(format_plain("one\r\r\ntwo"), "a | one\na | two");
	/* Overwriting the line would overwrite the prefix. */
	ck_assert_str_eq(format_plain("10%\r20%\r"), "a | 10%\na | 20%\n");
}
END_TEST

START_TEST(escapes)
{
	ck_assert_str_eq(format_plain("\033[1;31mred\033[m"), "a | \033[1;31mred\033[m");
	ck_assert_str_eq(format_plain("\033[2J\033[H\033[6nx"), "a | x");
	ck_assert_str_eq(format_plain("\033c\033Mx\007\b"), "a | x");
	ck_assert_str_eq(
		format_plain("\033[11111111111111111111111111111111mx"), "a | 111111111mx");
}
END_TEST

START_TEST(long_lines_are_broken)
{
	char text[3000];
	const char *out;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	out = format_plain(text);
	ck_assert_int_eq(strchr(out, '\n') - out, 4 + LINEFMT_LINE_MAX);
	ck_assert_int_eq(strncmp(strchr(out, '\n'), "\na | x", 6), 0);
}
END_TEST

START_TEST(restart)
{
	struct linefmt f;

	linefmt_init(&f, "a", -1);
	format(&f, "half");
	linefmt_restart(&f);
	ck_assert_str_eq(format(&f, "rest\n"), "a | rest\n");
}
END_TEST

START_TEST(colours)
{
	struct linefmt f;

	linefmt_init(&f, "a-partition-with-a-very-long-name-that-must-be-cut-somewhere", 7);
	ck_assert_int_eq(strncmp(format(&f, "x"), "\033[36ma-partition", 16), 0);
	ck_assert_ptr_nonnull(strstr(f.prefix, "\033[0m "));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("partition/linefmt");
	TCase *t = tcase_create("linefmt");

	tcase_add_test(t, lines_have_prefixes);
	tcase_add_test(t, carriage_returns);
	tcase_add_test(t, escapes);
	tcase_add_test(t, long_lines_are_broken);
	tcase_add_test(t, restart);
	tcase_add_test(t, colours);
	suite_add_tcase(s, t);
	return s;
}
