/* SPDX-License-Identifier: BSD-3-Clause */
/* Who asks what a guest is at, and partitions that say nothing. */
#include "tests/unit/supervisor/world.h"

static struct {
	struct inspect_waiter waiter;
	unsigned calls;
	bool complete;
	const char *why;
} asked;

static void answered(
	struct inspect_waiter *w, struct child *child, const struct inspection *in, const char *why)
{
	ck_assert_ptr_eq(w, &asked.waiter);
	ck_assert_ptr_eq(child, &run.children[LINUX]);
	asked.calls++;
	asked.complete = in && in->complete;
	asked.why = why;
}

static int inspect(void)
{
	memset(&asked, 0, sizeof(asked));
	asked.waiter.done = answered;
	return child_inspect(&run.children[LINUX], &asked.waiter);
}

static bool was_said(const char *text)
{
	fflush(run.err);
	return said && strstr(said, text);
}

START_TEST(answers)
{
	const struct message_vcpu vcpu = {.state = PARTITION_VCPU_RUNS};
	const struct message_inspected rest = {0};

	ck_assert_int_eq(inspect(), -EINVAL); /* it is not there */
	start_all();
	ck_assert_int_eq(inspect(), 0);
	ck_assert_uint_eq(sent(LINUX, MSG_INSPECT), 1);
	say(LINUX, MSG_VCPU, &vcpu, sizeof(vcpu));
	ck_assert_uint_eq(asked.calls, 0);
	say(LINUX, MSG_INSPECTED, &rest, sizeof(rest));
	ck_assert_uint_eq(asked.calls, 1);
	ck_assert(asked.complete);
	/* What comes too late is no lie. */
	say(LINUX, MSG_VCPU, &vcpu, sizeof(vcpu));
	say(LINUX, MSG_INSPECTED, &rest, sizeof(rest));
	ck_assert_uint_eq(asked.calls, 1);
	ck_assert(!run.children[LINUX].broke_protocol);
	ck_assert_int_eq(inspect(), 0);
	say(LINUX, MSG_VCPU, &vcpu, sizeof(vcpu) - 1);
	ck_assert(run.children[LINUX].broke_protocol);
}
END_TEST

/* A process that does not answer, and one whose guest ends instead. */
START_TEST(no_answer)
{
	start_all();
	ck_assert_int_eq(inspect(), 0);
	if (_i)
		say_ended(LINUX, PARTITION_POWER_OFF, BULKHEAD_END_POWER_OFF);
	else
		run_for(INSPECT_PATIENCE_NS + 100 * MS);
	ck_assert_uint_eq(asked.calls, 1);
	ck_assert(!asked.complete);
	ck_assert_ptr_nonnull(strstr(asked.why, _i ? "has ended" : "does not answer"));
	ck_assert_int_eq(inspect(), _i ? -EINVAL : 0);
}
END_TEST

/* It is told of; and again, unless only the first time counts. */
START_TEST(silence)
{
	const struct message_inspected rest = {0};
	struct partition_shared *shared;

	options.silence_ns = 50 * MS;
	options.silence_first = _i;
	ck_assert_int_eq(run_silence_init(&run), 0);
	start_all();
	shared = run.children[LINUX].shared;
	atomic_store(&run.children[SAFETY].shared->said, 1);
	run_for(30 * MS);
	ck_assert_uint_eq(sent(LINUX, MSG_INSPECT), 0);
	run_for(100 * MS);
	ck_assert_uint_eq(sent(LINUX, MSG_INSPECT), 1);
	say(LINUX, MSG_INSPECTED, &rest, sizeof(rest));
	ck_assert(was_said("linux: no output for 0 s: no vCPU can be looked at"));
	run_for(100 * MS);
	ck_assert_uint_eq(sent(LINUX, MSG_INSPECT), 0);
	atomic_store(&shared->said, 5);
	run_for(150 * MS);
	ck_assert_uint_eq(sent(LINUX, MSG_INSPECT), !_i);
	ck_assert_int_eq(loop_timer_running(&run.silence), !_i);
	run_silence_fini(&run);
	options.silence_ns = 0;
}
END_TEST

/* It speaks while it is looked at. */
START_TEST(silence_that_is_over)
{
	const struct message_inspected rest = {0};

	options.silence_ns = 50 * MS;
	options.silence_first = false;
	ck_assert_int_eq(run_silence_init(&run), 0);
	start_all();
	run_for(100 * MS);
	ck_assert_uint_eq(sent(LINUX, MSG_INSPECT), 1);
	atomic_store(&run.children[LINUX].shared->beats, 1);
	say(LINUX, MSG_INSPECTED, &rest, sizeof(rest));
	ck_assert(!was_said("no output for"));
	run_silence_fini(&run);
	options.silence_ns = 0;
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("supervisor/inspect");
	TCase *t = tcase_create("inspect");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, answers);
	tcase_add_loop_test(t, no_answer, 0, 2);
	tcase_add_loop_test(t, silence, 0, 2);
	tcase_add_test(t, silence_that_is_over);
	suite_add_tcase(s, t);
	return s;
}
