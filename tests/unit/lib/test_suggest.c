/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/suggest.h"
#include "tests/unit/unit.h"

#include <string.h>

START_TEST(slips_and_abbreviations_are_close)
{
	ck_assert(name_is_close("run", "run"));
	ck_assert(name_is_close("doctr", "doctor"));
	ck_assert(name_is_close("docotr", "doctor"));
	ck_assert(name_is_close("doctors", "doctor"));
	ck_assert(name_is_close("rnu", "run"));
	ck_assert(name_is_close("ch", "check"));
	ck_assert(name_is_close("load_adress", "load_address"));
}
END_TEST

START_TEST(other_words_are_not)
{
	char word[4096];

	ck_assert(!name_is_close("cat", "run"));
	ck_assert(!name_is_close("", "run"));
	ck_assert(!name_is_close("c", "check"));
	ck_assert(!name_is_close("plan.yaml", "run"));
	ck_assert(!name_is_close("core", "role"));
	ck_assert(!name_is_close("x", ""));
	memset(word, 't', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	ck_assert(!name_is_close(word, "timeout"));
	ck_assert(!name_is_close("timeout", word));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/suggest");
	TCase *t = tcase_create("suggest");

	tcase_add_test(t, slips_and_abbreviations_are_close);
	tcase_add_test(t, other_words_are_not);
	suite_add_tcase(s, t);
	return s;
}
