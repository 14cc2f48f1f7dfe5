/* SPDX-License-Identifier: BSD-3-Clause */
/* What is looked for in consoles: order, pieces, ends of lines, lines without end. */
#include "lib/util.h"
#include "suite/match.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct suite_step steps[4];
static struct suite_sign forbids[2];
static struct suite_expect expect;
static struct matcher matcher;
static struct match_port port;
static unsigned matched;

static void on_match(void *ctx, const struct suite_step *step, const struct match_port *where)
{
	(void)ctx;
	(void)where;
	ck_assert_ptr_eq(step, &steps[matched]);
	matched++;
}

static void start(unsigned step_count, unsigned forbid_count)
{
	expect = (struct suite_expect){.steps = steps,
		.step_count = step_count,
		.forbids = forbids,
		.forbid_count = forbid_count};
	matcher = (struct matcher){.expect = &expect, .panics = true, .matched = on_match};
	port = (struct match_port){.partition = "guest", .port = "com1"};
	matched = 0;
	ck_assert_int_eq(matcher_init(&matcher), 0);
}

static void feed(const char *text)
{
	matcher_feed(&matcher, &port, text, strlen(text));
}

static void text(unsigned i, const char *what)
{
	steps[i] = (struct suite_step){.pattern.text = (char *)(uintptr_t)what};
}

static void regex(unsigned i, const char *what)
{
	steps[i] = (struct suite_step){.pattern.regex = (char *)(uintptr_t)what};
}

START_TEST(steps_match_in_order)
{
	text(0, "two");
	text(1, "one");
	start(2, 0);
	feed("one\ntwo\n");
	ck_assert_uint_eq(matched, 1);
	feed("one");
	ck_assert_uint_eq(matched, 2);
	matcher_fini(&matcher);
}
END_TEST

START_TEST(a_step_is_looked_for_behind_the_one_before)
{
	text(0, "aa");
	text(1, "aa");
	start(2, 0);
	feed("aaa\n");
	ck_assert_uint_eq(matched, 1);
	feed("xaaaa\n");
	ck_assert_uint_eq(matched, 2);
	matcher_fini(&matcher);
}
END_TEST

START_TEST(pieces_make_lines)
{
	text(0, "login:");
	regex(1, "^ok [0-9]+$");
	start(2, 0);
	for (const char *c = "debian login: "; *c; c++)
		matcher_feed(&matcher, &port, c, 1);
	ck_assert_uint_eq(matched, 1);
	feed("\r\nok 1");
	ck_assert_uint_eq(matched, 1); /* the line may go on */
	feed("2\r\n");
	ck_assert_uint_eq(matched, 2);
	matcher_fini(&matcher);
}
END_TEST

START_TEST(a_carriage_return_may_follow_a_line_feed)
{
	AUTO_FREE char *tail = NULL;

	regex(0, "^second$");
	regex(1, "^third");
	start(2, 0);
	feed("first\n\rsecond\n");
	ck_assert_uint_eq(matched, 1);
	feed("\r");
	feed("third");
	ck_assert_uint_eq(matched, 2);
	tail = match_port_tail(&port, 2);
	ck_assert_str_eq(tail, "second\nthird");
	matcher_fini(&matcher);
}
END_TEST

START_TEST(an_unfinished_line_counts_at_the_end)
{
	regex(0, "end$");
	start(1, 0);
	feed("the end");
	ck_assert_uint_eq(matched, 0);
	matcher_finish(&matcher, &port);
	ck_assert_uint_eq(matched, 1);
	matcher_fini(&matcher);
}
END_TEST

START_TEST(lines_without_end_are_looked_at_in_pieces)
{
	static char many[MATCH_LINE_MAX * 3];

	memset(many, 'x', sizeof(many));
	text(0, "needle");
	regex(1, "^y");
	start(2, 0);
	/* Across the border of two pieces. */
	matcher_feed(&matcher, &port, many, MATCH_LINE_MAX - 3);
	feed("needle");
	ck_assert_uint_eq(matched, 1);
	for (unsigned i = 0; i < 1000; i++)
		matcher_feed(&matcher, &port, many, sizeof(many));
	feed("y");
	ck_assert_uint_eq(matched, 1); /* not at a line's start */
	feed("\ny");
	ck_assert_uint_eq(matched, 2);
	matcher_fini(&matcher);
}
END_TEST

START_TEST(a_step_may_have_to_show_more_than_once)
{
	regex(0, "^line [0-9]");
	text(1, "end");
	steps[0].times = 3;
	start(2, 0);
	feed("line 1\nend\nline 2 line 2\n");
	ck_assert_uint_eq(matcher.shown, 2); /* the second is not at a line's start */
	ck_assert_uint_eq(matched, 0);
	feed("line 3\nend\n");
	ck_assert_uint_eq(matched, 2);
	matcher_fini(&matcher);
}
END_TEST

START_TEST(the_first_sign_that_the_host_cannot_is_kept)
{
	static struct suite_sign skip = {.pattern.regex = (char *)(uintptr_t) "^host +"};

	start(0, 0);
	matcher_fini(&matcher);
	expect.skips = &skip;
	expect.skip_count = 1;
	ck_assert_int_eq(matcher_init(&matcher), 0);
	feed("ok a\nhost  no \033PMU\nhost  no SVE\n");
	ck_assert_str_eq(matcher.skip_line, "host  no ?PMU");
	matcher_fini(&matcher);
}
END_TEST

START_TEST(some_texts_show_in_any_order)
{
	static struct suite_sign signs[] = {{.pattern.text = (char *)(uintptr_t) "one"},
		{.pattern.regex = (char *)(uintptr_t) "^two$"},
		{.pattern = {
			 .text = (char *)(uintptr_t) "one", .port = (char *)(uintptr_t) "com2"}}};

	start(0, 0);
	matcher_fini(&matcher);
	expect.contains = signs;
	expect.contain_count = ARRAY_SIZE(signs);
	ck_assert_int_eq(matcher_init(&matcher), 0);
	feed("two\nthe one");
	matcher_finish(&matcher, &port);
	ck_assert(matcher.contained[0] && matcher.contained[1] && !matcher.contained[2]);
	matcher_fini(&matcher);
}
END_TEST

START_TEST(a_text_is_searched_line_by_line)
{
	const struct suite_pattern whole = {.regex = (char *)(uintptr_t) "^b.*d$"},
				   across = {.regex = (char *)(uintptr_t) "a.*b"},
				   last = {.text = (char *)(uintptr_t) "e"};
	char line[EXCERPT_ROOM] = "as it was";

	ck_assert(!match_text(&across, "a\nb c d\ne", line));
	ck_assert_str_eq(line, "as it was");
	ck_assert(match_text(&whole, "a\nb c d\ne", line));
	ck_assert_str_eq(line, "b c d");
	ck_assert(match_text(&last, "a\nb c d\ne", line));
	ck_assert_str_eq(line, "e");
	ck_assert(!match_text(&last, "", line));
}
END_TEST

START_TEST(forbidden_lines_are_found_and_kept)
{
	forbids[0] = (struct suite_sign){.pattern.regex = (char *)(uintptr_t) "^FAIL"};
	start(0, 1);
	feed("no FAIL\n");
	ck_assert_str_eq(matcher.forbidden, "");
	feed("FAIL: \x01 it\n");
	ck_assert_str_eq(matcher.forbidden, "/^FAIL/");
	ck_assert_str_eq(matcher.forbidden_line, "FAIL: ? it");
	ck_assert(!matcher.panicked);
	matcher_fini(&matcher);
}
END_TEST

START_TEST(panics_of_kernels_are_known)
{
	start(0, 0);
	feed("a panic: here\n");
	ck_assert(!matcher.panicked);
	feed("[    1.0] Kernel panic - not syncing: VFS\n");
	ck_assert(matcher.panicked);
	matcher_fini(&matcher);
	start(0, 0);
	feed("panic: here\n");
	ck_assert_str_eq(matcher.forbidden, "panic: ");
	matcher_fini(&matcher);
}
END_TEST

START_TEST(other_ports_are_not_meant)
{
	text(0, "hello");
	steps[0].pattern.port = (char *)(uintptr_t) "com2";
	start(1, 0);
	feed("hello\n");
	ck_assert_uint_eq(matched, 0);
	strcpy(port.port, "com2");
	feed("hello\n");
	ck_assert_uint_eq(matched, 1);
	matcher_fini(&matcher);
}
END_TEST

START_TEST(sends_need_no_pattern)
{
	text(1, "x");
	steps[0] = (struct suite_step){.send = (char *)(uintptr_t) "a"};
	steps[2] = (struct suite_step){.send = (char *)(uintptr_t) "b"};
	start(3, 0);
	ck_assert_uint_eq(matched, 0);
	matcher_start(&matcher, &port);
	ck_assert_uint_eq(matched, 1);
	feed("x");
	ck_assert_uint_eq(matched, 3);
	matcher_fini(&matcher);
}
END_TEST

START_TEST(the_tail_is_the_last_lines)
{
	AUTO_FREE char *tail = NULL;

	start(0, 0);
	for (unsigned i = 0; i < 1000; i++)
		feed("some line\r\n");
	feed("a\nb \x1b[1m\nc");
	tail = match_port_tail(&port, 3);
	ck_assert_str_eq(tail, "a\nb ?[1m\nc");
	matcher_fini(&matcher);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("suite/match");
	TCase *t = tcase_create("match");

	tcase_add_test(t, steps_match_in_order);
	tcase_add_test(t, a_step_is_looked_for_behind_the_one_before);
	tcase_add_test(t, pieces_make_lines);
	tcase_add_test(t, a_carriage_return_may_follow_a_line_feed);
	tcase_add_test(t, an_unfinished_line_counts_at_the_end);
	tcase_add_test(t, lines_without_end_are_looked_at_in_pieces);
	tcase_add_test(t, a_step_may_have_to_show_more_than_once);
	tcase_add_test(t, the_first_sign_that_the_host_cannot_is_kept);
	tcase_add_test(t, some_texts_show_in_any_order);
	tcase_add_test(t, a_text_is_searched_line_by_line);
	tcase_add_test(t, forbidden_lines_are_found_and_kept);
	tcase_add_test(t, panics_of_kernels_are_known);
	tcase_add_test(t, other_ports_are_not_meant);
	tcase_add_test(t, sends_need_no_pattern);
	tcase_add_test(t, the_tail_is_the_last_lines);
	suite_add_tcase(s, t);
	return s;
}
