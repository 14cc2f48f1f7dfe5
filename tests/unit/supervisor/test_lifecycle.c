/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What users, guests and processes that lie make of a run, in orders that are hard to meet with
 * real guests: the partitions' processes are dummies, and the test says what they say.
 */
#include "tests/unit/supervisor/world.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

/* ---- the start ---- */

/* One that may run before it is ready says that it is in the same breath as how it ended. */
START_TEST(end_of_one_released_ahead)
{
	const struct message_ended ended = {
		.end = PARTITION_POWER_OFF, .cause = BULKHEAD_END_POWER_OFF, .vcpu = -1};
	struct child *c = spawn(SAFETY);

	run.released = run.all_ready = true; /* as for one that is started again */
	child_release_ahead(c);
	ck_assert_int_eq(c->state, CHILD_STARTING);
	ck_assert_uint_eq(sent(SAFETY, MSG_START), 1);
	ck_assert_int_eq(ipc_send(peers[SAFETY], MSG_READY, NULL, 0), 0);
	ck_assert_int_eq(ipc_send(peers[SAFETY], MSG_ENDED, &ended, sizeof(ended)), 0);
	child_receive(c, 2);
	ck_assert(!c->broke_protocol);
	ck_assert_int_eq(c->state, CHILD_ENDED);
	ck_assert_uint_eq(sent(SAFETY, MSG_START), 0);
}
END_TEST

/* A stop that comes before it was heard to be ready: what has run is not killed like what has not.
 */
START_TEST(stop_of_one_released_ahead)
{
	struct child *c = spawn(SAFETY);

	run.released = run.all_ready = true;
	child_release_ahead(c);
	if (_i)
		ck_assert_int_eq(ipc_send(peers[SAFETY], MSG_READY, NULL, 0), 0);
	run_stop(&run, STOP_INTERRUPTED);
	ck_assert_int_eq(c->stopped_for, STOP_INTERRUPTED);
	ck_assert_uint_eq(sent(SAFETY, MSG_STOP), _i);
	run_for(100 * MS);
	ck_assert_int_eq(c->state, _i ? CHILD_RUNNING : CHILD_ENDED);
	ck_assert_int_eq(c->pid > 0, _i);
	if (!_i)
		return;
	say_ended(SAFETY, PARTITION_STOPPED, BULKHEAD_END_STOPPED);
	ck_assert(!c->broke_protocol);
	ck_assert(c->has_result);
}
END_TEST

/* ---- pause and resume ---- */

START_TEST(two_who_pause)
{
	struct child *c;

	start_all();
	c = &run.children[LINUX];
	ck_assert_int_eq(child_pause(c), 0);
	ck_assert_int_eq(child_pause(c), 0);
	ck_assert_uint_eq(sent(LINUX, MSG_PAUSE), 1);
	say(LINUX, MSG_PAUSED, NULL, 0);
	ck_assert_int_eq(c->state, CHILD_PAUSED);
	ck_assert_int_eq(child_pause(c), -EINVAL);
	ck_assert_int_eq(child_resume(c), 0);
	ck_assert_int_eq(child_resume(c), 0);
	ck_assert_uint_eq(sent(LINUX, MSG_RESUME), 1);
	say(LINUX, MSG_RESUMED, NULL, 0);
	ck_assert_int_eq(c->state, CHILD_RUNNING);
	ck_assert(!c->broke_protocol);
}
END_TEST

/* It would end its watchdog, and send the status page's reader an interrupt for each. */
START_TEST(pause_that_nobody_asked_for)
{
	start_all();
	say(LINUX, MSG_PAUSED, NULL, 0);
	ck_assert(run.children[LINUX].broke_protocol);
	ck_assert_int_eq(run.children[LINUX].state, CHILD_RUNNING);
}
END_TEST

START_TEST(pause_does_not_save_from_a_lost_watchdog)
{
	struct child *c = &run.children[LINUX];

	partitions[LINUX].watchdog_ns = 20 * MS;
	start_all();
	ck_assert_int_eq(child_pause(c), 0);
	run_for(500 * MS); /* it is not lost for being paused */
	ck_assert_uint_eq(sent(LINUX, MSG_FAULT), 0);
	run_for(800 * MS);
	ck_assert_uint_eq(sent(LINUX, MSG_FAULT), 1);
	say(LINUX, MSG_PAUSED, NULL, 0);
	for (unsigned n = 0; n < 40 && c->pid; n++)
		run_for(50 * MS);
	ck_assert_int_eq(c->pid, 0);
	ck_assert_uint_eq(c->last_cause, BULKHEAD_END_CRASHED);
}
END_TEST

/* ---- cores ---- */

static int dump(unsigned i)
{
	AUTO_CLOSE int fd = memfd_create("core", MFD_CLOEXEC);

	return child_dump(&run.children[i], fd);
}

/* Neither a pause before nor one meanwhile has the watchdog count while the guest is held. */
START_TEST(resumed_during_a_core)
{
	const struct message_core done = {0};
	struct child *c = &run.children[LINUX];

	partitions[LINUX].watchdog_ns = 20 * MS;
	start_all();
	if (_i)
		ck_assert_int_eq(dump(LINUX), 0);
	ck_assert_int_eq(child_pause(c), 0);
	say(LINUX, MSG_PAUSED, NULL, 0);
	if (!_i)
		ck_assert_int_eq(dump(LINUX), 0);
	ck_assert_int_eq(child_resume(c), 0);
	say(LINUX, MSG_RESUMED, NULL, 0);
	run_for(60 * MS);
	ck_assert_uint_eq(sent(LINUX, MSG_FAULT), 0);
	say(LINUX, MSG_CORE_DONE, &done, sizeof(done));
	run_for(60 * MS);
	ck_assert_uint_eq(sent(LINUX, MSG_FAULT), 1);
	ck_assert(!c->broke_protocol);
}
END_TEST

/* A process that does not end a core: its watchdog counts again, and another may be asked for. */
START_TEST(core_without_end)
{
	const struct message_core done = {0};
	struct child *c = &run.children[LINUX];

	partitions[LINUX].watchdog_ns = 50 * MS;
	start_all();
	ck_assert_int_eq(dump(LINUX), 0);
	ck_assert_int_eq(dump(LINUX), -EBUSY);
	run_for(100 * MS);
	ck_assert_uint_eq(sent(LINUX, MSG_FAULT), 0);
	loop_timer_start(&c->core_timer, 1); /* the time is over */
	run_for(20 * MS);
	ck_assert(!child_core_pending(c));
	ck_assert(loop_timer_running(&c->watchdog));
	ck_assert_int_eq(dump(LINUX), 0);
	/* The answer of the first is none of the second. */
	say(LINUX, MSG_CORE_DONE, &done, sizeof(done));
	ck_assert(child_core_pending(c));
	say(LINUX, MSG_CORE_DONE, &done, sizeof(done));
	ck_assert(!child_core_pending(c));
	ck_assert(!c->broke_protocol);
	run_for(150 * MS);
	ck_assert_uint_eq(sent(LINUX, MSG_FAULT), 1);
	/* One that is lost has no more time by a core. */
	ck_assert_int_eq(dump(LINUX), 0);
	ck_assert(loop_timer_running(&c->watchdog));
	say(LINUX, MSG_CORE_DONE, &done, sizeof(done));
	say(LINUX, MSG_CORE_DONE, &done, sizeof(done));
	ck_assert(c->broke_protocol);
}
END_TEST

/* What a former run has left is there still, and the run's end waits for nobody. */
START_TEST(core_whose_writer_cannot_be_watched)
{
	static struct loop_watch watches[LOOP_WATCHES_MAX];
	char dir[] = "/tmp/test-core.XXXXXX", path[64], text[8] = "";
	unsigned count = 0;
	AUTO_CLOSE int file = -1;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/linux.core", dir);
	options.core_dir = dir;
	if (_i) {
		file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		ck_assert_int_eq(write(file, "former", 6), 6);
	}
	start_all();
	for (; count < LOOP_WATCHES_MAX; count++) {
		watches[count] = LOOP_WATCH_INIT;
		watches[count].fd = eventfd(0, EFD_CLOEXEC);
		watches[count].events = POLLIN;
		if (loop_watch(run.loop, &watches[count]))
			break;
	}
	ck_assert_uint_lt(count, LOOP_WATCHES_MAX);
	say_ended(LINUX, PARTITION_PANIC, BULKHEAD_END_PANIC);
	ck_assert(!run_cores_busy(&run));
	ck_assert(!child_core_pending(&run.children[LINUX]));
	ck_assert_uint_eq(sent(LINUX, MSG_CORE), 1);
	if (_i)
		ck_assert_int_eq(pread(file, text, sizeof(text), 0), 6);
	ck_assert_int_eq(unlink(path), _i ? 0 : -1);
	ck_assert_int_eq(rmdir(dir), 0);
	for (unsigned i = 0; i <= count; i++) {
		loop_unwatch(run.loop, &watches[i]);
		fd_close(&watches[i].fd);
	}
	options.core_dir = NULL;
}
END_TEST

/* ---- the end ---- */

START_TEST(stop_is_no_lost_watchdog)
{
	partitions[LINUX].watchdog_ns = 20 * MS;
	start_all();
	child_stop(&run.children[LINUX], STOP_COMMAND);
	run_for(60 * MS);
	ck_assert_uint_eq(sent(LINUX, MSG_FAULT), 0);
}
END_TEST

/* A process that calls the BSP, and goes on as if nothing had happened. */
START_TEST(alarm_without_a_fatal_error)
{
	partitions[LINUX].on_fatal = PLAN_FATAL_SAFE_STATE;
	start_all();
	run_bsp_alarmed(&run, 1);
	/* The others do not wait for what it may say. */
	for (unsigned n = 0; n < 10 && !run.safe_state; n++)
		run_for(50 * MS);
	ck_assert_ptr_nonnull(run.safe_state);
	for (unsigned n = 0; n < 60 && run.children[LINUX].pid; n++)
		run_for(50 * MS);
	ck_assert_int_eq(run.children[LINUX].pid, 0);
	ck_assert_uint_eq(run.children[LINUX].last_cause, BULKHEAD_END_CRASHED);
}
END_TEST

/* Only where the plan parks vCPUs can there be such. */
START_TEST(parked_vcpu_of_a_liar)
{
	const struct message_parked m = {.how = "lie"};

	start_all();
	say(LINUX, MSG_PARKED, &m, sizeof(m));
	ck_assert(run.children[LINUX].broke_protocol);
}
END_TEST

START_TEST(lock_of_one_that_is_paused)
{
	struct child *c;

	start_all();
	c = &run.children[SAFETY];
	ck_assert_int_eq(child_pause(c), 0);
	atomic_store(&c->shared->locked, 1);
	ck_assert_int_eq(child_pause(&run.children[LINUX]), -EBUSY);
	say(SAFETY, MSG_PAUSED, NULL, 0);
	ck_assert_int_eq(child_resume(c), 0);
}
END_TEST

/* ---- stopping all ---- */

START_TEST(stop_of_all_ends_restarts)
{
	struct child *c = &run.children[LINUX];

	start_all();
	say_ended(LINUX, PARTITION_FATAL, BULKHEAD_END_TRIPLE_FAULT);
	die(LINUX);
	ck_assert_int_eq(run_stop_gracefully(&run), 0);
	ck_assert(!loop_timer_running(&c->restart_timer));
	ck_assert_uint_eq(sent(SAFETY, MSG_POWER_BUTTON), 1);
}
END_TEST

START_TEST(stop_of_all_ends_one_that_starts_again)
{
	start_all();
	run.children[LINUX].state = CHILD_STARTING;
	ck_assert_int_eq(run_stop_gracefully(&run), 0);
	ck_assert(run.children[LINUX].stop_sent);
}
END_TEST

/* Who may veto ends itself instead: that is consent, too. */
START_TEST(veto_of_one_that_ends)
{
	partitions[SAFETY].veto_ns = 60000 * MS;
	start_all();
	ck_assert_int_eq(run_stop_gracefully(&run), 0);
	ck_assert_uint_eq(sent(LINUX, MSG_POWER_BUTTON), 0);
	if (_i)
		die(SAFETY);
	else
		say_ended(SAFETY, PARTITION_POWER_OFF, BULKHEAD_END_POWER_OFF);
	ck_assert(!run.stop_after_veto);
	if (!_i) /* else the safe state stops it by force */
		ck_assert_uint_eq(sent(LINUX, MSG_POWER_BUTTON), 1);
}
END_TEST

START_TEST(veto_holds)
{
	partitions[SAFETY].veto_ns = 60000 * MS;
	start_all();
	ck_assert_int_eq(run_stop_gracefully(&run), 0);
	atomic_store(&run.children[SAFETY].shared->stop_reply, 2);
	run_for(20 * MS);
	ck_assert_uint_eq(sent(LINUX, MSG_POWER_BUTTON), 0);
	ck_assert_int_eq(run.children[SAFETY].stop_phase, STOP_PHASE_NONE);
}
END_TEST

/* Each has the whole time to end by itself, whoever was stopped before. */
START_TEST(grace_is_each_ones)
{
	start_all();
	child_stop(&run.children[SAFETY], STOP_COMMAND);
	run_for(100 * MS);
	child_stop(&run.children[LINUX], STOP_COMMAND);
	ck_assert_uint_ge(
		run.children[LINUX].linger.due_ns, run.children[SAFETY].linger.due_ns + 90 * MS);
	run_for(3500 * MS);
	ck_assert_int_eq(run.children[SAFETY].pid, 0);
	ck_assert_int_eq(run.children[LINUX].pid, 0);
}
END_TEST

/* ---- starts that fail ---- */

/* One that says so and stays: somebody has to end it, or the run waits for ever. */
START_TEST(failed_start_that_lingers)
{
	const struct message_failed m = {.host = 1};

	spawn(LINUX);
	say(LINUX, MSG_FAILED, &m, sizeof(m));
	ck_assert(loop_timer_running(&run.children[LINUX].linger));
}
END_TEST

START_TEST(failed_restart_of_the_safety_partition)
{
	const struct message_failed m = {.host = 1};

	start_all();
	run.children[SAFETY].state = CHILD_STARTING;
	run.children[SAFETY].restarts = 1;
	say(SAFETY, MSG_FAILED, &m, sizeof(m));
	ck_assert_ptr_nonnull(run.safe_state);
	ck_assert_int_eq(run_exit_code(&run), BH_EXIT_SAFE_STATE);
	fflush(run.err);
	ck_assert_ptr_nonnull(strstr(said, "safety: "));
}
END_TEST

/* In bsp_init, say: it was ready, and is gone before anybody was released. */
START_TEST(death_before_the_release)
{
	for (unsigned i = 0; i < CHILDREN; i++)
		spawn(i)->state = CHILD_READY;
	run.all_ready = true;
	die(LINUX);
	ck_assert_int_eq(run.stop, STOP_START_FAILED);
}
END_TEST

/* ---- times ---- */

START_TEST(event_of_a_lost_watchdog)
{
	partitions[SAFETY].watchdog_ns = 20 * MS;
	start_all();
	for (unsigned n = 0; n < 60 && !run.safe_state; n++)
		run_for(10 * MS);
	/* The process does not react; the others do not wait for it, and it may still say how. */
	ck_assert_ptr_nonnull(run.safe_state);
	ck_assert(run.children[SAFETY].faulted);
	ck_assert(!run.children[SAFETY].stop_sent);
	ck_assert(!run.children[SAFETY].has_result);
	ck_assert(run.children[LINUX].stop_sent);
}
END_TEST

/* ---- lines that guests log ---- */

static void say_log(unsigned i, uint64_t dropped, const char *text)
{
	struct {
		struct message_log log;
		char text[MESSAGE_LOG_MAX + 1];
	} m = {.log.dropped = dropped};

	memcpy(m.text, text, strlen(text));
	say(i, MSG_LOG, &m, sizeof(m.log) + strlen(text));
}

/* How often TEXT was said. */
static unsigned times_said(const char *text)
{
	unsigned count = 0;

	fflush(run.err);
	for (const char *at = said; at && (at = strstr(at, text)); at++)
		count++;
	return count;
}

START_TEST(guest_log)
{
	const struct event *e;
	uint64_t before;

	start_all();
	before = run.events.count;
	say_log(LINUX, 0, "all is \033[1mwell\n");
	ck_assert_uint_eq(times_said("bulkhead: linux: guest says: all is ?[1mwell\n"), 1);
	e = event_after(&run.events, before);
	ck_assert_str_eq(e->kind, "log");
	ck_assert_str_eq(e->partition, "linux");
	ck_assert_str_eq(e->text, "all is ?[1mwell");
	/* Lines that were dropped are told with the next, or alone. */
	say_log(LINUX, 7, "more");
	ck_assert_uint_eq(times_said("linux: 7 lines that its guest logged were dropped"), 1);
	say_log(LINUX, 8, "");
	ck_assert_uint_eq(times_said("linux: 8 lines that its guest logged were dropped"), 1);
	ck_assert_uint_eq(times_said("guest says"), 2);
	ck_assert(!run.children[LINUX].broke_protocol);
}
END_TEST

/* Last words come before the report, or not at all. */
START_TEST(guest_log_at_the_end)
{
	const struct message_report report = {.lines_lost = 3};

	start_all();
	say_ended(LINUX, PARTITION_EXIT_CODE, BULKHEAD_END_EXIT_CODE);
	say_log(LINUX, 0, "farewell");
	ck_assert_uint_eq(times_said("guest says: farewell"), 1);
	say(LINUX, MSG_REPORT, &report, sizeof(report));
	ck_assert(!run.children[LINUX].broke_protocol);
	say_log(LINUX, 0, "and another thing");
	ck_assert(run.children[LINUX].broke_protocol);
	ck_assert_uint_eq(times_said("guest says"), 1);
}
END_TEST

/* A process that does not count its lines is not believed to: most are dropped here. */
START_TEST(guest_log_without_end)
{
	struct child *c = &run.children[LINUX];

	start_all();
	for (unsigned i = 0; i < 500; i++)
		say_log(LINUX, 0, "x");
	ck_assert_uint_le(times_said("guest says: x"), 400); /* it took one second, at most two */
	ck_assert_uint_ge(c->log_dropped, 100);
	c->log_dropped = 5;
	c->log_since_ns -= 1000 * MS;
	say_log(LINUX, 2, "x");
	ck_assert_uint_eq(times_said("linux: 7 lines that"), 1);
	ck_assert_uint_eq(c->log_dropped, 0);
	say_log(SAFETY, 0, "heard"); /* nobody else's share */
	ck_assert_uint_eq(times_said("safety: guest says: heard"), 1);
}
END_TEST

/* Too short, too long, and before there is a guest. */
START_TEST(guest_log_of_a_liar)
{
	static const uint8_t bytes[sizeof(struct message_log) + MESSAGE_LOG_MAX + 1];

	if (_i == 0)
		spawn(LINUX);
	else
		start_all();
	say(LINUX, MSG_LOG, bytes,
		_i == 1 ? sizeof(struct message_log) - 1 : sizeof(bytes) - (_i == 0));
	ck_assert(run.children[LINUX].broke_protocol);
	ck_assert_uint_eq(times_said("guest says"), 0);
}
END_TEST

/* ---- what devices say ---- */

START_TEST(notices)
{
	static const char *const text = "blk0: reading failed\033: Input/output error";
	const struct event *e;
	uint64_t before;

	start_all();
	before = run.events.count;
	say(LINUX, MSG_NOTICE, text, strlen(text));
	ck_assert_uint_eq(times_said("bulkhead: linux: blk0: reading failed?: Input"), 1);
	e = event_after(&run.events, before);
	ck_assert_str_eq(e->kind, "device");
	ck_assert_str_eq(e->partition, "linux");
	for (unsigned i = 0; i < 1000; i++)
		say(LINUX, MSG_NOTICE, text, strlen(text));
	ck_assert(!run.children[LINUX].broke_protocol);
	ck_assert_uint_eq(times_said("blk0: reading failed"), 128);
}
END_TEST

START_TEST(notice_that_is_too_long)
{
	static const char text[MESSAGE_LOG_MAX + 1];

	start_all();
	say(LINUX, MSG_NOTICE, text, sizeof(text));
	ck_assert(run.children[LINUX].broke_protocol);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("lifecycle");
	TCase *t = tcase_create("lifecycle");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, end_of_one_released_ahead);
	tcase_add_loop_test(t, stop_of_one_released_ahead, 0, 2);
	tcase_add_test(t, two_who_pause);
	tcase_add_test(t, pause_that_nobody_asked_for);
	tcase_add_test(t, pause_does_not_save_from_a_lost_watchdog);
	tcase_add_loop_test(t, resumed_during_a_core, 0, 2);
	tcase_add_test(t, core_without_end);
	tcase_add_loop_test(t, core_whose_writer_cannot_be_watched, 0, 2);
	tcase_add_test(t, stop_is_no_lost_watchdog);
	tcase_add_test(t, alarm_without_a_fatal_error);
	tcase_add_test(t, parked_vcpu_of_a_liar);
	tcase_add_test(t, lock_of_one_that_is_paused);
	tcase_add_test(t, stop_of_all_ends_restarts);
	tcase_add_test(t, stop_of_all_ends_one_that_starts_again);
	tcase_add_loop_test(t, veto_of_one_that_ends, 0, 2);
	tcase_add_test(t, veto_holds);
	tcase_add_test(t, grace_is_each_ones);
	tcase_add_test(t, failed_start_that_lingers);
	tcase_add_test(t, failed_restart_of_the_safety_partition);
	tcase_add_test(t, death_before_the_release);
	tcase_add_test(t, event_of_a_lost_watchdog);
	tcase_add_test(t, guest_log);
	tcase_add_test(t, guest_log_at_the_end);
	tcase_add_test(t, guest_log_without_end);
	tcase_add_loop_test(t, guest_log_of_a_liar, 0, 3);
	tcase_add_test(t, notices);
	tcase_add_test(t, notice_that_is_too_long);
	suite_add_tcase(s, t);
	return s;
}
