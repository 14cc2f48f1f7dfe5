/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/diag.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct diags d;
static char *text;

static const char *printed(const char *prefix)
{
	size_t size;
	FILE *f;

	free(text);
	f = open_memstream(&text, &size);
	diags_print(&d, f, prefix);
	fclose(f);
	return text;
}

static void setup(void)
{
	diags_init(&d);
}

static void teardown(void)
{
	diags_fini(&d);
	free(text);
	text = NULL;
}

START_TEST(all_at_once_in_order)
{
	const struct diag_loc here = {.file = "p.yaml", .line = 3, .column = 7};
	const struct diag_loc option = {.file = "--set"};

	diag_error(&d, &here, "partitions.a.memory", "%d is odd; make it even", 3);
	diag_warning(&d, &option, NULL, "late");
	diag_error(&d, NULL, NULL, "plain");
	ck_assert_str_eq(printed("x: "),
		"x: p.yaml:3:7: partitions.a.memory: 3 is odd; make it even\n"
		"x: --set: warning: late\nx: plain\n");
	ck_assert_uint_eq(d.errors, 2);
	ck_assert_uint_eq(d.count, 3);
}
END_TEST

START_TEST(bounded)
{
	const char *last;

	for (unsigned i = 0; i < DIAG_MAX + 10; i++)
		diag_error(&d, NULL, NULL, "%u", i);
	ck_assert_uint_eq(d.count, DIAG_MAX);
	ck_assert_uint_eq(d.errors, DIAG_MAX + 10);
	last = strstr(printed(""), "\n255\n");
	ck_assert_ptr_nonnull(last);
	ck_assert_str_eq(last, "\n255\n(10 more not shown)\n");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/diag");
	TCase *t = tcase_create("diag");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, all_at_once_in_order);
	tcase_add_test(t, bounded);
	suite_add_tcase(s, t);
	return s;
}
