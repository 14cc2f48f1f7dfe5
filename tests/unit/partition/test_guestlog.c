/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/guestlog.h"

#include "lib/ipc.h"
#include "lib/util.h"
#include "partition/protocol.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct guestlog guestlog;
static struct loop *loop;
static struct loop_watch wake;
static int fds[2]; /* the supervisor's end, and the partition's */

static void woken(struct loop_watch *w, uint32_t revents)
{
	uint64_t count;

	(void)revents;
	ck_assert_int_eq(read(w->fd, &count, sizeof(count)), sizeof(count));
	guestlog_pump(&guestlog);
}

static void setup(void)
{
	ck_assert_int_eq(ipc_pair(fds), 0);
	ck_assert_int_eq(loop_create(&loop), 0);
	wake = (struct loop_watch){
		.fd = eventfd(0, EFD_NONBLOCK), .events = POLLIN, .ready = woken, .slot = -1};
	ck_assert_int_eq(loop_watch(loop, &wake), 0);
	ck_assert_int_eq(guestlog_init(&guestlog, loop, fds[1], wake.fd), 0);
}

static void teardown(void)
{
	loop_timer_fini(&guestlog.turn);
	loop_unwatch(loop, &wake);
	loop_destroy(loop);
	close(wake.fd);
	close(fds[0]);
	close(fds[1]);
}

/* The next message's text, or NULL when there is none; *RET_DROPPED as it has it. */
static const char *next_line(uint64_t *ret_dropped)
{
	static struct ipc_message m;
	struct message_log log;
	int ret = ipc_receive(fds[0], &m);

	if (ret == -EAGAIN)
		return NULL;
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_eq(m.type, MSG_LOG);
	ck_assert_uint_ge(m.size, sizeof(log));
	ck_assert_uint_le(m.size, sizeof(log) + MESSAGE_LOG_MAX);
	memcpy(&log, m.payload, sizeof(log));
	*ret_dropped = log.dropped;
	m.payload[m.size] = '\0';
	return (const char *)m.payload + sizeof(log);
}

static void put_numbers(unsigned from, unsigned to)
{
	char text[16];

	for (unsigned i = from; i < to; i++)
		guestlog_put(&guestlog, text, (size_t)snprintf(text, sizeof(text), "%u", i));
}

/* The next lines are these numbers, none dropped. */
static void expect_numbers(unsigned from, unsigned to)
{
	uint64_t dropped;

	for (unsigned i = from; i < to; i++) {
		const char *line = next_line(&dropped);

		ck_assert_ptr_nonnull(line);
		ck_assert_uint_eq(strtoul(line, NULL, 10), i);
		ck_assert_uint_eq(dropped, 0);
	}
}

START_TEST(lines_arrive)
{
	char text[2 * BULKHEAD_LOG_MAX];
	uint64_t dropped;

	memset(text, 'x', sizeof(text));
	guestlog_put(&guestlog, "hello", 5);
	guestlog_put(&guestlog, text, sizeof(text));
	unit_run_loop(loop, 10000000);
	ck_assert_str_eq(next_line(&dropped), "hello");
	ck_assert_uint_eq(strlen(next_line(&dropped)), BULKHEAD_LOG_MAX);
	ck_assert_ptr_null(next_line(&dropped));
	ck_assert_uint_eq(guestlog_lost(&guestlog), 0);
}
END_TEST

/* What is more than a turn's share waits for the next turn. */
START_TEST(turns)
{
	uint64_t dropped;

	put_numbers(0, 1);
	unit_run_loop(loop, GUESTLOG_TURN_NS / 10);
	expect_numbers(0, 1);
	put_numbers(1, 1 + 2 * GUESTLOG_TURN_LINES);
	unit_run_loop(loop, GUESTLOG_TURN_NS / 10);
	expect_numbers(1, GUESTLOG_TURN_LINES);
	ck_assert_ptr_null(next_line(&dropped));
	unit_run_loop(loop, GUESTLOG_TURN_NS);
	expect_numbers(GUESTLOG_TURN_LINES, 2 * GUESTLOG_TURN_LINES);
	ck_assert_ptr_null(next_line(&dropped));
	unit_run_loop(loop, GUESTLOG_TURN_NS);
	expect_numbers(2 * GUESTLOG_TURN_LINES, 1 + 2 * GUESTLOG_TURN_LINES);
	/* Nothing to do: the next line goes at once. */
	unit_run_loop(loop, GUESTLOG_TURN_NS * 3 / 2);
	put_numbers(100, 101);
	unit_run_loop(loop, GUESTLOG_TURN_NS / 10);
	expect_numbers(100, 101);
}
END_TEST

START_TEST(too_many_are_counted)
{
	uint64_t dropped;

	put_numbers(0, GUESTLOG_LINES + 7);
	ck_assert_uint_eq(guestlog_lost(&guestlog), GUESTLOG_LINES + 7);
	guestlog_flush(&guestlog);
	ck_assert_str_eq(next_line(&dropped), "0");
	ck_assert_uint_eq(dropped, 7);
	expect_numbers(1, GUESTLOG_LINES);
	ck_assert_ptr_null(next_line(&dropped));
	ck_assert_uint_eq(guestlog_lost(&guestlog), 7);
	/* There is room again. */
	put_numbers(500, 501);
	guestlog_flush(&guestlog);
	expect_numbers(500, 501);
}
END_TEST

/* Those that were dropped after the last line that fitted are told without one. */
START_TEST(dropped_at_the_end)
{
	uint64_t dropped, told = 0;
	unsigned lines = 0;
	const char *line;

	put_numbers(0, GUESTLOG_LINES);
	unit_run_loop(loop, GUESTLOG_TURN_NS / 10);
	put_numbers(0, GUESTLOG_TURN_LINES + 5);
	unit_run_loop(loop, 2 * GUESTLOG_TURN_NS);
	while ((line = next_line(&dropped))) {
		lines += *line != '\0';
		told += dropped;
	}
	ck_assert_uint_eq(lines, 3 * GUESTLOG_TURN_LINES);
	ck_assert_uint_eq(told, 5);
	/* The very last ones. */
	guestlog_flush(&guestlog);
	while (next_line(&dropped))
		ck_assert_uint_eq(dropped, 0);
	atomic_fetch_add(&guestlog.dropped, 3);
	guestlog_flush(&guestlog);
	ck_assert_str_eq(next_line(&dropped), "");
	ck_assert_uint_eq(dropped, 3);
	ck_assert_uint_eq(guestlog_lost(&guestlog), 8);
}
END_TEST

/* A supervisor that does not read gets the lines later, as many as fit. */
START_TEST(supervisor_that_does_not_read)
{
	uint64_t dropped;

	while (!ipc_send(fds[1], MSG_STATS_END, NULL, 0))
		;
	put_numbers(0, 3);
	unit_run_loop(loop, GUESTLOG_TURN_NS / 10);
	ck_assert_uint_eq(guestlog_lost(&guestlog), 3);
	for (struct ipc_message m; !ipc_receive(fds[0], &m);)
		ck_assert_uint_eq(m.type, MSG_STATS_END);
	unit_run_loop(loop, GUESTLOG_TURN_NS * 2);
	expect_numbers(0, 3);
	ck_assert_ptr_null(next_line(&dropped));
	/* Nor is one that is gone waited for. */
	close(fds[0]);
	put_numbers(0, 3);
	guestlog_flush(&guestlog);
	ck_assert_uint_eq(guestlog_lost(&guestlog), 0);
	fds[0] = -1;
}
END_TEST

#define THREADS 4
#define EACH    20000

static void *vcpu(void *arg)
{
	for (unsigned i = 0; i < EACH; i++)
		guestlog_put(&guestlog, arg, strlen(arg));
	return NULL;
}

/* Of all that several vCPUs log while the I/O thread sends, each line is told or counted. */
START_TEST(vcpus_at_once)
{
	static const char *const texts[THREADS] = {"one", "two", "three", "four"};
	pthread_t threads[THREADS];
	uint64_t told = 0, counted = 0, dropped;
	const char *line;

	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, vcpu, (void *)texts[i]), 0);
	for (unsigned ended = 0; ended < THREADS;) {
		if (!pthread_tryjoin_np(threads[ended], NULL))
			ended++;
		guestlog_flush(&guestlog);
		while ((line = next_line(&dropped))) {
			bool known = !*line;

			for (unsigned i = 0; i < THREADS; i++)
				known |= strcmp(line, texts[i]) == 0;
			ck_assert(known);
			told += *line != '\0';
			counted += dropped;
		}
	}
	guestlog_flush(&guestlog);
	while ((line = next_line(&dropped))) {
		told += *line != '\0';
		counted += dropped;
	}
	ck_assert_uint_eq(told + counted, THREADS * EACH);
	ck_assert_uint_eq(guestlog_lost(&guestlog), counted);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("partition/guestlog");
	TCase *t = tcase_create("guestlog");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, lines_arrive);
	tcase_add_test(t, turns);
	tcase_add_test(t, too_many_are_counted);
	tcase_add_test(t, dropped_at_the_end);
	tcase_add_test(t, supervisor_that_does_not_read);
	tcase_add_test(t, vcpus_at_once);
	suite_add_tcase(s, t);
	return s;
}
