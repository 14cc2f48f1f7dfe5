/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/run.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct run run;
static struct plan_partition partition;
static struct child child;

static void setup(void)
{
	memset(&run, 0, sizeof(run));
	partition.name = "linux";
	child = (struct child){.run = &run, .plan = &partition};
	ck_assert_int_eq(event_log_init(&run.events), 0);
}

static void teardown(void)
{
	event_log_fini(&run.events);
}

START_TEST(events_have_numbers_and_words)
{
	const struct event *e;

	ck_assert_ptr_null(event_after(&run.events, 0));
	ck_assert_ptr_null(event_after(&run.events, 1));
	run_event(&run, &child, "state", "%s", "paused");
	run_event(&run, NULL, "safe-state", "because of %d", 7);
	e = event_after(&run.events, 0);
	ck_assert_str_eq(e->partition, "linux");
	ck_assert_str_eq(e->kind, "state");
	ck_assert_str_eq(e->text, "paused");
	ck_assert_uint_ne(e->realtime_ns, 0);
	e = event_after(&run.events, 1);
	ck_assert_uint_eq(e->number, 2);
	ck_assert_str_eq(e->partition, "");
	ck_assert_str_eq(e->text, "because of 7");
	ck_assert_ptr_null(event_after(&run.events, 2));
}
END_TEST

START_TEST(only_the_latest_are_kept)
{
	for (unsigned i = 1; i <= EVENTS_MAX + 5; i++)
		run_event(&run, NULL, "state", "%u", i);
	ck_assert_str_eq(event_after(&run.events, 0)->text, "6");
	ck_assert_str_eq(event_after(&run.events, 6)->text, "7");
	ck_assert_uint_eq(event_after(&run.events, EVENTS_MAX + 4)->number, EVENTS_MAX + 5);
	ck_assert_ptr_null(event_after(&run.events, EVENTS_MAX + 5));
	ck_assert_ptr_null(event_after(&run.events, UINT64_MAX));
}
END_TEST

/* What a guest logs displaces older lines of that kind, and nothing else. */
START_TEST(logs_displace_only_logs)
{
	const struct event *e;
	uint64_t number = 0;
	unsigned count = 0;

	run_event(&run, &child, "fatal", "triple fault");
	for (unsigned i = 1; i <= 100 * EVENTS_LOG_MAX; i++)
		run_event(&run, &child, "log", "%u", i);
	run_event(&run, NULL, "stop", "x");
	run_event(&run, &child, "log", "last");
	e = event_after(&run.events, 0);
	ck_assert_str_eq(e->kind, "fatal");
	e = event_after(&run.events, e->number);
	ck_assert_str_eq(e->kind, "log");
	ck_assert_uint_eq(e->number, 99 * EVENTS_LOG_MAX + 3);
	for (; e; e = event_after(&run.events, number), count++) {
		ck_assert_uint_eq(e->number, number ? number + 1 : e->number);
		number = e->number;
	}
	ck_assert_uint_eq(count, EVENTS_LOG_MAX + 1);
	ck_assert_uint_eq(number, run.events.count);
}
END_TEST

START_TEST(long_texts_are_cut)
{
	char text[2 * EVENT_TEXT_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	run_event(&run, NULL, "a-kind-that-is-too-long", "%s", text);
	ck_assert_uint_eq(strlen(event_after(&run.events, 0)->text), EVENT_TEXT_MAX - 1);
	ck_assert_uint_eq(strlen(event_after(&run.events, 0)->kind), EVENT_KIND_MAX - 1);
}
END_TEST

static unsigned told;

static void leave(struct event_follower *f, const struct event *e)
{
	told++;
	ck_assert_str_eq(e->text, "x");
	event_unfollow(&run.events, f);
}

START_TEST(followers_may_leave_when_they_are_told)
{
	struct event_follower a = {.happened = leave}, b = {.happened = leave};

	told = 0;
	event_follow(&run.events, &a);
	event_follow(&run.events, &b);
	run_event(&run, NULL, "state", "x");
	ck_assert_uint_eq(told, 2);
	run_event(&run, NULL, "state", "nobody hears of it");
	ck_assert_uint_eq(told, 2);
	event_unfollow(&run.events, &a);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("supervisor/events");
	TCase *t = tcase_create("events");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, events_have_numbers_and_words);
	tcase_add_test(t, only_the_latest_are_kept);
	tcase_add_test(t, logs_displace_only_logs);
	tcase_add_test(t, long_texts_are_cut);
	tcase_add_test(t, followers_may_leave_when_they_are_told);
	suite_add_tcase(s, t);
	return s;
}
