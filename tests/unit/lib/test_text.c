/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/text.h"

#include "lib/util.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

/* Exactly the room that it may use, for AddressSanitizer to watch. */
static void expect(const char *bytes, size_t size, const char *line)
{
	uint8_t *in = malloc(size ?: 1);
	char *out = malloc(size + 1);

	memcpy(in, bytes, size);
	text_sanitise_line(in, size, out);
	ck_assert_str_eq(out, line);
	free(in);
	free(out);
}

#define EXPECT(bytes, line) expect(bytes, sizeof(bytes) - 1, line)

START_TEST(plain)
{
	EXPECT("", "");
	EXPECT("hello, ~world !", "hello, ~world !");
	EXPECT("ended\n", "ended");
	EXPECT("ended\r\n", "ended");
	EXPECT("ended\n\n\0\0", "ended");
	EXPECT("\r\n", "");
	EXPECT(" kept ", " kept ");
}
END_TEST

START_TEST(controls)
{
	EXPECT("two\nlines", "two?lines");
	EXPECT("\033[2J\a\t\x7F", "?[2J???");
	EXPECT("a\0b", "a?b");
	EXPECT("\xC2\x9B"
	       "2J",
		"??2J"); /* C1: CSI */
}
END_TEST

START_TEST(utf8)
{
	EXPECT("21 \xC2\xB0"
	       "C",
		"21 \xC2\xB0"
		"C");
	EXPECT("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x9A\x80", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x9A\x80");
	EXPECT("\xC2\xA0\xF4\x8F\xBF\xBF\xED\x9F\xBF\xEE\x80\x80",
		"\xC2\xA0\xF4\x8F\xBF\xBF\xED\x9F\xBF\xEE\x80\x80");
}
END_TEST

START_TEST(broken_utf8)
{
	EXPECT("\xC3", "?");
	EXPECT("\xE2\x82", "??");
	EXPECT("\xF0\x9F\x9A", "???");
	EXPECT("\xC3(", "?(");
	EXPECT("\xE2\x82(", "?"
			    "?(");
	EXPECT("\x80\xBF\xC0\x80\xC1\xBF", "??????");
	EXPECT("\xE0\x9F\xBF", "???"); /* longer than needed */
	EXPECT("\xF0\x8F\xBF\xBF", "????");
	EXPECT("\xED\xA0\x80", "???");                /* a surrogate */
	EXPECT("\xF4\x90\x80\x80\xF5\x80", "??????"); /* beyond Unicode */
	EXPECT("\xFF\xFE", "??");
}
END_TEST

/* What would show other text than there is. */
START_TEST(misleading)
{
	EXPECT("\xE2\x80\xAE"
	       "x",
		"???x"); /* right-to-left override */
	EXPECT("\xE2\x81\xA6"
	       "x",
		"???x"); /* left-to-right isolate */
	EXPECT("\xE2\x80\xA8"
	       "x",
		"???x"); /* line separator */
	EXPECT("\xE2\x80\x8B"
	       "x",
		"???x"); /* zero-width space */
	EXPECT("\xEF\xBB\xBF"
	       "x",
		"???x"); /* byte order mark */
	EXPECT("\xD8\x9C"
	       "x",
		"??x");                         /* Arabic letter mark */
	EXPECT("\xE2\x80\x90", "\xE2\x80\x90"); /* a hyphen */
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/text");
	TCase *t = tcase_create("text");

	tcase_add_test(t, plain);
	tcase_add_test(t, controls);
	tcase_add_test(t, utf8);
	tcase_add_test(t, broken_utf8);
	tcase_add_test(t, misleading);
	suite_add_tcase(s, t);
	return s;
}
