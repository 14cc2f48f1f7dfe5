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
	/* What is not shown does not come between CR and LF. */
	ck_assert_str_eq(format_plain("one\r\033[K\ntwo"), "a | one\na | two");
}
END_TEST

START_TEST(colours_pass_and_end_with_their_line)
{
	ck_assert_str_eq(format_plain("\033[1;31mred\033[m\n"), "a | \033[1;31mred\033[m\n");
	ck_assert_str_eq(format_plain("\033[38:2::1:2:3mx\n"),
		"a | \033[38:2::1:2:3mx" CONSOLE_RESET_COLOUR "\n");
	ck_assert_str_eq(format_plain("\033[8mx\r\nnext\n"),
		"a | \033[8mx" CONSOLE_RESET_COLOUR "\na | next\n");
	ck_assert_str_eq(format_plain("\033[1mx\033[0;00my\n"), "a | \033[1mx\033[0;00my\n");
	ck_assert_str_eq(format_plain("\033[1mx\033[0;4my\n"),
		"a | \033[1mx\033[0;4my" CONSOLE_RESET_COLOUR "\n");
	/* One that switches off what is off already would only start a line. */
	ck_assert_str_eq(format_plain("x\n\033[0m"), "a | x\n");
}
END_TEST

START_TEST(other_escapes_do_not_pass)
{
	ck_assert_str_eq(format_plain("\033[2J\033[H\033[6nx"), "a | x");
	ck_assert_str_eq(format_plain("\033c\033Mx\007\b"), "a | x");
	/* Like a colour, yet the terminal answers or changes its modes. */
	ck_assert_str_eq(format_plain("\033[?4mx\033[>4;2my\033[=1mz"), "a | xyz");
	ck_assert_str_eq(format_plain("\033[1 mx\033[1!m\033[4$my"), "a | xy");
	ck_assert_str_eq(format_plain("\033[1?mx"), "a | x");
	/* Character sets, titles, device control strings. */
	ck_assert_str_eq(format_plain("\033(Bx\033)0\033%Gy\033#8\033 [z"), "a | xyz");
	ck_assert_str_eq(
		format_plain("\033]0;title\007x\033]2;t\033\\y\033P+q6d\033\\z"), "a | xyz");
	ck_assert_str_eq(format_plain("\033]0;never ended\nx"), "a | \na | x");
	/* What interrupts a sequence counts. */
	ck_assert_str_eq(format_plain("\033[3\n1m"), "a | \na | 1m");
	ck_assert_str_eq(format_plain("\033[3\033[1mx\033\033[my"), "a | \033[1mx\033[my");
	ck_assert_str_eq(format_plain("\033\nx"), "a | \na | x");
}
END_TEST

START_TEST(long_escapes_are_swallowed_whole)
{
	char text[3000];

	for (size_t digits = 1; digits < 2900; digits++) {
		struct linefmt f;
		const char *out;

		text[0] = '\033';
		text[1] = '[';
		memset(text + 2, '1', digits);
		strcpy(text + 2 + digits, "mx");
		linefmt_init(&f, "a", -1);
		out = format(&f, text);
		ck_assert_str_eq(
			strchr(out, '|') + 2, digits + 3 <= LINEFMT_ESCAPE_MAX ? text : "x");
	}
}
END_TEST

START_TEST(characters)
{
	/* Valid ones, some with bytes that alone are C1 controls. */
	ck_assert_str_eq(format_plain("Gr\u00f6\u00dfe \u20ac \U0001f600 \u00db"),
		"a | Gr\u00f6\u00dfe \u20ac \U0001f600 \u00db");
	ck_assert_str_eq(format_plain("\xC2\xA0\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xF4\x8F\xBF\xBF"),
		"a | \xC2\xA0\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xF4\x8F\xBF\xBF");
	/* C1 controls: as bytes, as code points, and in overlong forms. */
	ck_assert_str_eq(format_plain("\x9B"
				      "2J\x85x\x90"),
		"a | 2Jx");
	ck_assert_str_eq(format_plain("\xC2\x9B"
				      "2J\xC2\x85x"),
		"a | 2Jx");
	ck_assert_str_eq(format_plain("\xE0\x82\x9Bx"), "a | \xE0x");
	ck_assert_str_eq(format_plain("\xF0\x80\x82\x9Bx"), "a | \xF0x");
	ck_assert_str_eq(format_plain("\xC0\x9B\xC1\x8Ax"), "a | \xC0\xC1x");
	/* Surrogates, beyond Unicode, cut short. */
	ck_assert_str_eq(format_plain("\xED\xA0\x80x"), "a | \xED\xA0x");
	ck_assert_str_eq(format_plain("\xF4\x90\x80\x80x\xF5"), "a | \xF4x\xF5");
	ck_assert_str_eq(format_plain("\xE2\x82\n\xE2\x82\xACx"), "a | \xE2\na | \xE2\x82\xACx");
	ck_assert_str_eq(format_plain("\xE2\xC2\x9B\xE2\033[1mx"), "a | \xE2\xE2\033[1mx");
	/* Latin-1 */
	ck_assert_str_eq(format_plain("Gr\xF6\xDF"
				      "e"),
		"a | Gr\xF6\xDF"
		"e");
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

START_TEST(colours_count_as_length)
{
	char text[20001] = "";
	unsigned lines = 0;

	for (unsigned i = 0; i < 20000; i += 4)
		memcpy(text + i, "\033[1m", 5);
	for (const char *out = format_plain(text), *end; (end = strchr(out, '\n')); out = end + 1) {
		ck_assert_int_le(end - out, LINEFMT_LINE_MAX + LINEFMT_EXPANSION);
		lines++;
	}
	ck_assert_uint_eq(lines, 20000 / LINEFMT_LINE_MAX);
}
END_TEST

START_TEST(end)
{
	struct linefmt f;
	uint8_t out[LINEFMT_EXPANSION];

	linefmt_init(&f, "a", -1);
	ck_assert_uint_eq(linefmt_end(&f, out), 0);
	format(&f, "\033[1mhalf");
	ck_assert_uint_eq(linefmt_end(&f, out), strlen(CONSOLE_RESET_COLOUR "\n"));
	ck_assert_uint_eq(linefmt_end(&f, out), 0);
	ck_assert_str_eq(format(&f, "rest\n"), "a | rest\n");
}
END_TEST

START_TEST(prefixes)
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
	tcase_add_test(t, colours_pass_and_end_with_their_line);
	tcase_add_test(t, other_escapes_do_not_pass);
	tcase_add_test(t, long_escapes_are_swallowed_whole);
	tcase_add_test(t, characters);
	tcase_add_test(t, long_lines_are_broken);
	tcase_add_test(t, colours_count_as_length);
	tcase_add_test(t, end);
	tcase_add_test(t, prefixes);
	suite_add_tcase(s, t);
	return s;
}
