/* SPDX-License-Identifier: BSD-3-Clause */
/* Partitions that are started again, in orders that are hard to meet with real guests. */
#include "supervisor/helper.h"
#include "tests/unit/supervisor/world.h"

#include <fcntl.h>

START_TEST(restart_during_the_delay)
{
	struct child *c = &run.children[LINUX];

	start_all();
	say_ended(LINUX, PARTITION_FATAL, BULKHEAD_END_TRIPLE_FAULT);
	die(LINUX);
	ck_assert(loop_timer_running(&c->restart_timer));
	ck_assert_int_eq(child_restart(c), 0);
	ck_assert_uint_eq(c->restarts, 1);
	/* Not a second time over a process that is there. */
	run_for(150 * MS);
	ck_assert_uint_eq(c->restarts, 1);
}
END_TEST

START_TEST(restart_asked_for_twice)
{
	struct child *c = &run.children[LINUX];

	start_all();
	ck_assert_int_eq(child_restart(c), 0);
	ck_assert_int_eq(child_restart(c), -EINVAL);
	say_ended(LINUX, PARTITION_POWER_OFF, BULKHEAD_END_POWER_OFF);
	die(LINUX);
	ck_assert(loop_timer_running(&c->restart_timer));
}
END_TEST

/* Of one that starts anew by itself, while its consoles are drained. */
START_TEST(restart_of_one_that_has_just_died)
{
	struct child *c = &run.children[LINUX];

	start_all();
	say_ended(LINUX, PARTITION_FATAL, BULKHEAD_END_TRIPLE_FAULT);
	ck_assert_int_eq(child_restart(c), 0);
	die(LINUX);
	ck_assert(loop_timer_running(&c->restart_timer));
}
END_TEST

START_TEST(kill_and_stop_end_a_restart)
{
	struct child *c = &run.children[LINUX];

	start_all();
	say_ended(LINUX, PARTITION_FATAL, BULKHEAD_END_TRIPLE_FAULT);
	die(LINUX);
	ck_assert_int_eq(_i ? child_kill(c) : child_stop_gracefully(c), 0);
	ck_assert(!loop_timer_running(&c->restart_timer));
	ck_assert_int_eq(child_kill(c), -EINVAL);
	ck_assert_int_eq(child_stop_gracefully(c), -EINVAL);
}
END_TEST

/* The kernel may still write for a process that has died. */
START_TEST(restart_waits_for_disks)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[] = "/tmp/bulkhead-test-XXXXXX";
	struct plan_device disk = {.type = PLAN_DEVICE_BLK, .blk.path = path};
	struct child *c = &run.children[LINUX];
	int fd;

	start_all();
	fd = mkstemp(path); /* not the processes', too */
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	partitions[LINUX].devices = &disk;
	partitions[LINUX].device_count = 1;
	c->restart_wanted = true;
	say_ended(LINUX, PARTITION_STOPPED, BULKHEAD_END_STOPPED);
	die(LINUX);
	run_for(150 * MS);
	ck_assert_uint_eq(c->restarts, 0);
	ck_assert(loop_timer_running(&c->restart_timer));
	if (_i) { /* nobody wants it any more */
		ck_assert_int_eq(child_kill(c), 0);
		close(fd);
		run_for(50 * MS);
		ck_assert_uint_eq(c->restarts, 0);
	} else {
		close(fd);
		run_for(50 * MS);
		ck_assert_uint_eq(c->restarts, 1);
	}
	unlink(path);
	partitions[LINUX].device_count = 0;
}
END_TEST

/* Ending a program does not wait for its end; a restart does. */
START_TEST(restart_waits_for_helpers)
{
	static char *const argv[] = {"sleeper", "-c", "sleep 100", NULL};
	struct child *c = &run.children[LINUX];
	const struct helper_program program = {.child = c,
		.path = "/bin/sh",
		.argv = argv,
		.fd = STDIN_FILENO,
		.remedy = "none",
		.ready_fd = -1};

	start_all();
	say_ended(LINUX, PARTITION_STOPPED, BULKHEAD_END_STOPPED);
	die(LINUX);
	ck_assert_int_eq(helper_start(&program), 0);
	ck_assert(!helpers_ending(c));
	helpers_end(c);
	ck_assert(helpers_ending(c));
	ck_assert_int_eq(child_restart(c), 0);
	ck_assert_uint_eq(c->restarts, 0);
	for (unsigned i = 0; i < 100 && !c->restarts; i++)
		run_for(10 * MS);
	ck_assert_uint_eq(c->restarts, 1);
	ck_assert(!c->helpers);
}
END_TEST

START_TEST(kill_during_a_restart)
{
	struct child *c = &run.children[LINUX];

	start_all();
	ck_assert_int_eq(child_restart(c), 0);
	ck_assert_int_eq(_i ? child_kill(c) : child_stop_gracefully(c), 0);
	die(LINUX);
	ck_assert(!loop_timer_running(&c->restart_timer));
}
END_TEST

/* A guest that is told to end and does so badly is not started again. */
START_TEST(fatal_error_of_one_being_stopped)
{
	struct child *c = &run.children[LINUX];

	partitions[LINUX].on_reset = PLAN_RESET_RESTART;
	start_all();
	ck_assert_int_eq(child_stop_gracefully(c), 0);
	if (_i)
		say_ended(LINUX, PARTITION_FATAL, BULKHEAD_END_TRIPLE_FAULT);
	else
		say_ended(LINUX, PARTITION_RESET, BULKHEAD_END_RESET);
	die(LINUX);
	ck_assert(!loop_timer_running(&c->restart_timer));
}
END_TEST

/* It has run before: it is not one that was never started. */
START_TEST(kill_of_one_that_starts_again)
{
	struct child *c = &run.children[LINUX];

	start_all();
	c->state = CHILD_STARTING;
	c->restarts = 1;
	ck_assert_int_eq(child_kill(c), 0);
	die(LINUX);
	ck_assert(c->has_result);
	ck_assert_uint_eq(c->result.end, PARTITION_STOPPED);
}
END_TEST

/* Restarts that users and guests asked for are none of on_fatal's. */
START_TEST(limit_counts_fatal_errors)
{
	struct child *c = &run.children[LINUX];

	start_all();
	c->restarts = 5;
	say_ended(LINUX, PARTITION_FATAL, BULKHEAD_END_TRIPLE_FAULT);
	ck_assert(c->restart_wanted);
}
END_TEST

START_TEST(nothing_starts_in_the_safe_state)
{
	plan.safe_state.stop = PLAN_SAFE_STOP_NON_SAFETY;
	partitions[LINUX].on_fatal = PLAN_FATAL_SAFE_STATE;
	start_all();
	say_ended(LINUX, PARTITION_FATAL, BULKHEAD_END_TRIPLE_FAULT);
	ck_assert_ptr_nonnull(run.safe_state);
	die(LINUX);
	ck_assert_int_eq(child_restart(&run.children[LINUX]), -EINVAL);
	ck_assert_uint_eq(run.children[LINUX].restarts, 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("supervisor/restart");
	TCase *t = tcase_create("restart");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, restart_during_the_delay);
	tcase_add_loop_test(t, restart_waits_for_disks, 0, 2);
	tcase_add_test(t, restart_waits_for_helpers);
	tcase_add_test(t, restart_asked_for_twice);
	tcase_add_test(t, restart_of_one_that_has_just_died);
	tcase_add_loop_test(t, kill_and_stop_end_a_restart, 0, 2);
	tcase_add_loop_test(t, kill_during_a_restart, 0, 2);
	tcase_add_loop_test(t, fatal_error_of_one_being_stopped, 0, 2);
	tcase_add_test(t, kill_of_one_that_starts_again);
	tcase_add_test(t, limit_counts_fatal_errors);
	tcase_add_test(t, nothing_starts_in_the_safe_state);
	suite_add_tcase(s, t);
	return s;
}
