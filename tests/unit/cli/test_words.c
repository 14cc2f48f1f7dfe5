/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/words.h"
#include "lib/util.h"
#include "tests/unit/unit.h"

#include <string.h>

struct values {
	bool flag;
	const char *file;
	struct option_strings more;
	uint64_t memory;
	unsigned cpus;
};

#define FIELD(f) offsetof(struct values, f)

static const struct option_spec specs[] = {
	{"flag", NULL, OPTION_FLAG, FIELD(flag), ""},
	{"file", "FILE", OPTION_STRING, FIELD(file), ""},
	{"more", "TEXT", OPTION_STRINGS, FIELD(more), ""},
	{"memory", "SIZE", OPTION_SIZE, FIELD(memory), ""},
	{"cpus", "N", OPTION_UNSIGNED, FIELD(cpus), ""},
	{0},
};

START_TEST(words_are_copies)
{
	const char *texts[] = {"a b", ""};
	const struct values values = {
		.flag = true, .file = "-x", .more = {texts, 2}, .memory = 1 * GIB};
	static const char *const want[] = {
		"run", "--flag", "--file=-x", "--more=a b", "--more=", "--memory=1073741824", "--"};
	char first[] = "run";
	struct words w = {0};

	words_add(&w, first);
	first[0] = 'x';
	words_add_options(&w, specs, &values);
	words_add(&w, "--");
	ck_assert(!w.failed);
	ck_assert_uint_eq(w.count, ARRAY_SIZE(want));
	for (unsigned i = 0; i < w.count; i++)
		ck_assert_str_eq(w.items[i], want[i]);
	ck_assert_ptr_null(w.items[w.count]);
	words_fini(&w);
	ck_assert_ptr_null(w.items);
}
END_TEST

START_TEST(nothing_is_no_words)
{
	struct words w = {0};

	words_add_options(&w, specs, &(struct values){0});
	ck_assert(!w.failed);
	ck_assert_uint_eq(w.count, 0);
	ck_assert_ptr_null(w.items);
	words_fini(&w);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("cli/words");
	TCase *t = tcase_create("words");

	tcase_add_test(t, words_are_copies);
	tcase_add_test(t, nothing_is_no_words);
	suite_add_tcase(s, t);
	return s;
}
