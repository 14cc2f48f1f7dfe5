/* SPDX-License-Identifier: BSD-3-Clause */
/* Which shards are missing. */
#include "lib/util.h"
#include "suite/shards.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static json_t *make(unsigned index, unsigned total)
{
	return report_create(NULL, 0, &(struct report_run){.shard = {index, total}});
}

/* The files "I/N", as words of TEXT; what is said of them has to be WANT. */
static void says(const char *text, const char *want)
{
	AUTO_FREE char *words = strdup(text), *said = NULL;
	struct shards shards = {0};
	char *rest = words, *word;
	struct diags diags;
	unsigned index, total;
	size_t size;
	FILE *f;

	while ((word = strsep(&rest, " ")) && *word) {
		json_t *report;

		ck_assert_int_eq(sscanf(word, "%u/%u", &index, &total), 2);
		report = make(index, total);
		ck_assert_int_eq(shards_add(&shards, report, word), 0);
		json_decref(report);
	}
	diags_init(&diags);
	shards_check(&shards, &diags);
	f = open_memstream(&said, &size);
	diags_print(&diags, f, "");
	fclose(f);
	diags_fini(&diags);
	shards_fini(&shards);
	ck_assert_str_eq(said, want);
}

START_TEST(complete)
{
	says("", "");
	says("0/0 0/0", ""); /* all of a test, twice */
	says("1/1", "");
	says("3/3 1/3 0/0 2/3", "");
}
END_TEST

START_TEST(missing)
{
	static const char again[] = "are missing; give their reports, too, or run them again\n";
	char want[512];

	says("1/3 3/3",
		"shard 2 of 3 is missing; give its report, too, or run --shard 2/3 again\n");
	says("2/2", "shard 1 of 2 is missing; give its report, too, or run --shard 1/2 again\n");
	snprintf(want, sizeof(want),
		"shards 1 to 2 of 4294967295 %sshards 4 to 4294967295 of 4294967295 %s", again,
		again);
	says("3/4294967295", want);
}
END_TEST

START_TEST(doubled)
{
	says("1/2 2/2 1/2", "1/2: it is shard 1 of 2, and so is 1/2; give each once\n");
	says("4294967295/4294967295 4294967295/4294967295",
		"shards 1 to 4294967294 of 4294967295 are missing; give their reports, too, "
		"or run them again\n"
		"4294967295/4294967295: it is shard 4294967295 of 4294967295, and so is "
		"4294967295/4294967295; give each once\n");
}
END_TEST

START_TEST(other_tests)
{
	says("1/2 2/3 2/2",
		"2/3: it is shard 2 of 3, but 1/2 is one of 2; merge what one test has left\n");
}
END_TEST

START_TEST(what_is_no_shard_is_refused)
{
	static const char *const wrong[] = {"null", "1", "\"1/2\"", "[]", "[1]", "[0, 1]", "[2, 1]",
		"[1, 2, 3]", "[1, 4294967296]", "[-1, 2]", "[1.5, 2]", "[\"1\", \"2\"]", "{}"};
	json_t *all = make(0, 0);

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		json_t *report = make(0, 0);

		json_object_set_new(report, "shard", json_loads(wrong[i], JSON_DECODE_ANY, NULL));
		ck_assert_int_eq(report_merge(all, report), -EINVAL);
		json_decref(report);
	}
	json_decref(all);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("suite/shards");
	TCase *t = tcase_create("shards");

	tcase_add_test(t, complete);
	tcase_add_test(t, missing);
	tcase_add_test(t, doubled);
	tcase_add_test(t, other_tests);
	tcase_add_test(t, what_is_no_shard_is_refused);
	suite_add_tcase(s, t);
	return s;
}
