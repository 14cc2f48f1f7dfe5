/* SPDX-License-Identifier: BSD-3-Clause */
/* Reports: escaping, counts, merging. */
#include "lib/util.h"
#include "suite/junit.h"
#include "suite/report.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static struct suite_case cases[] = {{.name = (char *)(uintptr_t) "good"},
	{.name = (char *)(uintptr_t) "bad", .loc = {"a,b.yaml", 7, 3}},
	{.name = (char *)(uintptr_t) "left"}};
static struct suite suite = {.name = (char *)(uintptr_t) "s"};

static bool emulated; /* what make makes */

static json_t *make(void)
{
	struct suite_entry entries[] = {
		{&suite, &cases[0], {.verdict = SUITE_PASS, .ns = 1500000000}},
		{&suite, &cases[1],
			{.verdict = SUITE_FAIL,
				.cause = "forbidden",
				.text = (char *)(uintptr_t) "<&\"> 100%\nit \x01",
				.tail = (char *)(uintptr_t) "last\n# line"}},
		{&suite, &cases[2],
			{.verdict = SUITE_SKIP, .text = (char *)(uintptr_t) "no #cores \xff"}},
	};

	return report_create(entries, ARRAY_SIZE(entries),
		&(struct report_run){.ns = 2000000000, .emulated = emulated});
}

/* What PRINT makes of the report; the caller's. */
static char *printed(void (*print)(const json_t *report, FILE *f))
{
	json_t *report = make();
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	print(report, f);
	fclose(f);
	json_decref(report);
	return text;
}

static void has(const char *text, const char *what)
{
	ck_assert_msg(strstr(text, what) != NULL, "\"%s\" lacks \"%s\"", text, what);
}

START_TEST(counts_are_right)
{
	json_t *report = make();
	struct suite_summary s = report_summary(report);

	ck_assert_uint_eq(s.passed, 1);
	ck_assert_uint_eq(s.failed, 1);
	ck_assert_uint_eq(s.skipped, 1);
	json_decref(report);
}
END_TEST

START_TEST(junit_is_xml)
{
	AUTO_FREE char *text = printed(report_print_junit);

	has(text, "tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"1.500\"");
	has(text, "<testcase classname=\"s\" name=\"good\" time=\"1.500\"/>");
	has(text, "message=\"&lt;&amp;&quot;&gt; 100%\nit ?\"");
	has(text, "<skipped message=\"no #cores ?\"/>");
	has(text, "    <properties/>\n");
}
END_TEST

START_TEST(emulated_times_are_marked)
{
	json_t *real = make(), *all = report_empty(real), *one;
	AUTO_FREE char *text = NULL;

	emulated = true;
	one = make();
	text = printed(report_print_junit);
	emulated = false;
	has(text, "    <properties>\n      <property name=\"emulated\" value=\"true\"/>\n");
	ck_assert(json_is_false(json_object_get(real, "emulated")));
	ck_assert(json_is_true(json_object_get(one, "emulated")));
	/* One is enough. */
	ck_assert_int_eq(report_merge(all, one), 0);
	ck_assert_int_eq(report_merge(all, real), 0);
	ck_assert(json_is_true(json_object_get(all, "emulated")));
	json_decref(real);
	json_decref(one);
	json_decref(all);
}
END_TEST

START_TEST(last_lines_are_printed_once)
{
	static const char report[] = "RIP 0\n  last on com1:\n    a\n    b\n";
	const int all = (int)strlen(report), once = (int)strlen("RIP 0\n");

	ck_assert_int_eq(report_size_below(report, "before\na\nb"), once);
	ck_assert_int_eq(report_size_below(report, "b"), once);
	ck_assert_int_eq(report_size_below(report, "a\nc"), all); /* another console's */
	ck_assert_int_eq(report_size_below(report, "bb"), all);
	ck_assert_int_eq(report_size_below(report, "  b"), all);
	ck_assert_int_eq(report_size_below(report, NULL), all);
	ck_assert_int_eq(report_size_below("RIP 0\n", "RIP 0"), 6);
	ck_assert_int_eq(report_size_below("", "a"), 0);
	ck_assert_int_eq(report_size_below("x\n  last on ", "  last on "), 12);
}
END_TEST

static void print_tap(const json_t *report, FILE *f)
{
	const json_t *c;
	size_t i;

	report_print_tap_plan(3, f);
	json_array_foreach(json_object_get(report, "cases"), i, c)
		report_print_tap_case(c, (unsigned)i + 1, f);
}

START_TEST(tap_escapes_directives)
{
	AUTO_FREE char *text = printed(print_tap);

	has(text, "TAP version 14\n1..3\nok 1 - s/good\nnot ok 2 - s/bad\n  ---\n");
	has(text, "  message: \"<&\\\"> 100%\\nit \\u0001\"\n");
	has(text, "ok 3 - s/left # SKIP no \\#cores ?\n");
}
END_TEST

START_TEST(annotations_escape_lines)
{
	AUTO_FREE char *text = printed(report_print_github);

	has(text, "::error file=a%2Cb.yaml,line=7,title=s/bad::<&\"> 100%25%0Ait \x01"
		  "%0AIts console said last:%0Alast%0A# line\n");
}
END_TEST

START_TEST(merged_counts_add_up)
{
	json_t *a = make(), *b = make(), *no = json_object(), *all = report_empty(a);
	struct suite_summary s;

	ck_assert_int_eq(report_merge(all, a), 0);
	ck_assert_int_eq(report_merge(all, b), 0);
	ck_assert_int_eq(report_merge(all, no), -EINVAL);
	s = report_summary(all);
	ck_assert_uint_eq(s.passed, 2);
	ck_assert_uint_eq(s.failed, 2);
	ck_assert_uint_eq(s.skipped, 2);
	json_decref(a);
	json_decref(b);
	json_decref(no);
	json_decref(all);
}
END_TEST

/* The copies of the test suites in XML, and what they count; -EINVAL as it is. */
static int copied(const char *xml, char **ret_text, struct suite_summary *ret_sum)
{
	unsigned id = 5;
	size_t size;
	FILE *f = open_memstream(ret_text, &size);
	int ret;

	*ret_sum = (struct suite_summary){0};
	ret = junit_copy_suites(xml, strlen(xml), f, &id, ret_sum);
	fclose(f);
	return ret;
}

START_TEST(junit_files_are_copied)
{
	AUTO_FREE char *text = NULL;
	struct suite_summary sum;

	ck_assert_int_eq(
		copied("<?xml version='1.0'?><!-- <testsuite> --><testsuites>"
		       "<testsuite name='a>' tests=\"4\" id=\"0\" failures='1' skipped=\"1\">"
		       "<testcase><failure><![CDATA[</testsuite>]]></failure></testcase>"
		       "<testsuite name=\"inner\"/></testsuite><testsuite tests='2'/></testsuites>",
			&text, &sum),
		0);
	ck_assert_str_eq(text,
		"  <testsuite id=\"5\" name='a>' tests=\"4\"  failures='1' skipped=\"1\">"
		"<testcase><failure><![CDATA[</testsuite>]]></failure></testcase>"
		"<testsuite name=\"inner\"/></testsuite>\n  <testsuite id=\"6\" tests='2'/>\n");
	ck_assert_uint_eq(sum.passed, 4);
	ck_assert_uint_eq(sum.failed, 1);
	ck_assert_uint_eq(sum.skipped, 1);
}
END_TEST

START_TEST(what_is_no_junit_file_is_refused)
{
	static const char *const wrong[] = {"", "text", "<html></html>", "<testsuite>",
		"<testsuite", "<testsuites><testsuite name=\"></testsuite>",
		"<!DOCTYPE a><testsuites/>", "<", "<!--", "<testsuite a='",
		"<testsuite><testsuite></testsuite>"};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		AUTO_FREE char *text = NULL;
		struct suite_summary sum;

		ck_assert_int_eq(copied(wrong[i], &text, &sum), -EINVAL);
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("suite/report");
	TCase *t = tcase_create("report");

	tcase_add_test(t, counts_are_right);
	tcase_add_test(t, junit_is_xml);
	tcase_add_test(t, emulated_times_are_marked);
	tcase_add_test(t, last_lines_are_printed_once);
	tcase_add_test(t, tap_escapes_directives);
	tcase_add_test(t, annotations_escape_lines);
	tcase_add_test(t, merged_counts_add_up);
	tcase_add_test(t, junit_files_are_copied);
	tcase_add_test(t, what_is_no_junit_file_is_refused);
	suite_add_tcase(s, t);
	return s;
}
