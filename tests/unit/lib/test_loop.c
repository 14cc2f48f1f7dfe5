/* SPDX-License-Identifier: BSD-3-Clause */
/* Both back-ends of the event loop, held to the same behaviour. */
#include "lib/loop.h"
#include "lib/loop_backend.h"
#include "lib/util.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <string.h>

static struct loop *loop;

struct reader {
	struct loop_watch watch;
	char seen[64];
	size_t count;
	bool hung_up;
};

static void reader_ready(struct loop_watch *w, uint32_t revents)
{
	struct reader *r = container_of(w, struct reader, watch);
	ssize_t n = read(w->fd, r->seen + r->count, 1);

	r->hung_up = n == 0;
	if (n == 0) {
		ck_assert(revents & (POLLHUP | POLLIN));
		loop_stop(loop);
	} else {
		ck_assert(revents & POLLIN);
		r->count++;
	}
}

static void reader_init(struct reader *r, int fd)
{
	*r = (struct reader){
		.watch = {.fd = fd, .slot = -1, .events = POLLIN, .ready = reader_ready}};
}

START_TEST(level_triggered_until_the_end)
{
	struct reader r;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(write(fds[1], "hello", 5), 5);
	close(fds[1]);
	reader_init(&r, fds[0]);
	ck_assert_int_eq(loop_watch(loop, &r.watch), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_str_eq(r.seen, "hello");
	ck_assert(r.hung_up);
	loop_unwatch(loop, &r.watch);
	ck_assert_int_eq(r.watch.slot, -1);
	close(fds[0]);
}
END_TEST

static void stop_when_ready(struct loop_watch *w, uint32_t revents)
{
	char byte;

	(void)revents;
	ck_assert_int_eq(read(w->fd, &byte, 1), 1);
	loop_stop(loop);
}

/* Both are ready at once, and the first to be called stops the loop. */
START_TEST(nothing_is_lost_by_a_stop)
{
	struct loop_watch watches[2];
	int pipes[2][2], left;

	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(pipe2(pipes[i], O_CLOEXEC | O_NONBLOCK), 0);
		ck_assert_int_eq(write(pipes[i][1], "x", 1), 1);
		watches[i] = (struct loop_watch){
			.fd = pipes[i][0], .slot = -1, .events = POLLIN, .ready = stop_when_ready};
		ck_assert_int_eq(loop_watch(loop, &watches[i]), 0);
	}
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(loop_run(loop), 0);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(read(pipes[i][0], &left, 1), -1);
		loop_unwatch(loop, &watches[i]);
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
}
END_TEST

START_TEST(regular_files_are_always_ready)
{
	struct reader r;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(lseek(fd, -3, SEEK_END), 0);
	reader_init(&r, fd);
	ck_assert_int_eq(loop_watch(loop, &r.watch), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_uint_eq(r.count, 3);
	loop_unwatch(loop, &r.watch);
	close(fd);
}
END_TEST

/* A way around system call filters, if it took anything but polls. */
START_TEST(the_ring_takes_polls_only)
{
	struct io_uring_cqe *cqe;
	struct io_uring *ring; /* the back-end's state */
	struct io_uring_sqe *sqe;
	void *state;

	if (loop_backend_uring.create(&state))
		return; /* this host has none, or none that can be restricted */
	ring = state;
	for (unsigned i = 0; i < 3; i++) {
		sqe = io_uring_get_sqe(ring);
		ck_assert_ptr_nonnull(sqe);
		if (i == 0)
			io_uring_prep_openat(sqe, AT_FDCWD, "/dev/null", O_RDONLY, 0);
		else if (i == 1)
			io_uring_prep_nop(sqe);
		else
			io_uring_prep_poll_add(sqe, STDOUT_FILENO, POLLOUT);
		ck_assert_int_eq(io_uring_submit_and_wait(ring, 1), 1);
		ck_assert_int_eq(io_uring_wait_cqe(ring, &cqe), 0);
		if (i < 2)
			ck_assert_int_eq(cqe->res, -EACCES);
		else
			ck_assert_int_gt(cqe->res, 0);
		io_uring_cqe_seen(ring, cqe);
	}
	loop_backend_uring.destroy(state);
}
END_TEST

struct stopper {
	struct loop_timer timer;
	struct loop_watch *unwatch;
	unsigned expired;
};

static void stopper_expired(struct loop_timer *t)
{
	struct stopper *s = container_of(t, struct stopper, timer);

	s->expired++;
	ck_assert(!loop_timer_running(t));
	if (s->unwatch)
		loop_unwatch(loop, s->unwatch);
	loop_stop(loop);
}

static void never(struct loop_watch *w, uint32_t revents)
{
	ck_abort_msg("called with %x although %d is not watched", revents, w->fd);
}

START_TEST(unwatched_means_silent)
{
	struct loop_watch w = {.fd = -1, .slot = -1, .events = POLLIN, .ready = never};
	struct stopper s = {0};
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	w.fd = fds[0];
	ck_assert_int_eq(loop_watch(loop, &w), 0);
	loop_unwatch(loop, &w);
	loop_unwatch(loop, &w);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert_int_eq(loop_timer_init(loop, &s.timer, stopper_expired), 0);
	loop_timer_start(&s.timer, 20000000);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_uint_eq(s.expired, 1);
	loop_timer_fini(&s.timer);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(timers_restart_and_stop)
{
	struct stopper late = {0}, early = {0};
	uint64_t before = monotonic_ns();

	ck_assert_int_eq(loop_timer_init(loop, &late.timer, stopper_expired), 0);
	ck_assert_int_eq(loop_timer_init(loop, &early.timer, stopper_expired), 0);
	loop_timer_start(&late.timer, 5000000);
	loop_timer_start(&late.timer, 5000000000);
	loop_timer_start(&early.timer, 10000000);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_uint_eq(early.expired, 1);
	ck_assert_uint_eq(late.expired, 0);
	ck_assert_uint_ge(monotonic_ns() - before, 10000000);
	loop_timer_stop(&late.timer);
	ck_assert(!loop_timer_running(&late.timer));
	loop_timer_fini(&late.timer);
	loop_timer_fini(&early.timer);
	loop_timer_fini(&early.timer);
}
END_TEST

/* Whoever stops the loop with a timer of its own keeps no other from expiring. */
START_TEST(timers_expire_in_order)
{
	struct stopper s[3] = {0};

	for (unsigned i = 0; i < ARRAY_SIZE(s); i++)
		ck_assert_int_eq(loop_timer_init(loop, &s[i].timer, stopper_expired), 0);
	loop_timer_start(&s[1].timer, 200000);
	loop_timer_start(&s[0].timer, 1);
	loop_timer_start(&s[2].timer, 400000);
	usleep(1000);
	for (unsigned i = 0; i < ARRAY_SIZE(s); i++) {
		ck_assert_int_eq(loop_run(loop), 0);
		for (unsigned k = 0; k < ARRAY_SIZE(s); k++)
			ck_assert_uint_eq(s[k].expired, k <= i);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(s); i++)
		loop_timer_fini(&s[i].timer);
}
END_TEST

START_TEST(too_many_watches)
{
	struct loop_watch w[LOOP_WATCHES_MAX + 1];
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	for (unsigned i = 0; i <= LOOP_WATCHES_MAX; i++) {
		w[i] = (struct loop_watch){
			.fd = dup(fds[0]), .slot = -1, .events = POLLIN, .ready = never};
		if (i < LOOP_WATCHES_MAX)
			ck_assert_int_eq(loop_watch(loop, &w[i]), 0);
		else
			ck_assert_int_eq(loop_watch(loop, &w[i]), -ENOSPC);
	}
	for (unsigned i = 0; i <= LOOP_WATCHES_MAX; i++) {
		loop_unwatch(loop, &w[i]);
		close(w[i].fd);
	}
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(one_watch_per_descriptor)
{
	struct loop_watch in = {.slot = -1, .events = POLLIN, .ready = never};
	struct loop_watch out = {.slot = -1, .events = POLLIN, .ready = never};
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	in.fd = out.fd = fds[0];
	ck_assert_int_eq(loop_watch(loop, &in), 0);
	ck_assert_int_eq(loop_watch(loop, &out), -EEXIST);
	ck_assert_int_eq(out.slot, -1);
	ck_assert_int_eq(loop_watch(loop, &in), 0);
	loop_unwatch(loop, &in);
	ck_assert_int_eq(loop_watch(loop, &out), 0);
	in.fd = dup(fds[0]);
	ck_assert_int_eq(loop_watch(loop, &in), 0);
	loop_unwatch(loop, &in);
	loop_unwatch(loop, &out);
	close(in.fd);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static void setup(void)
{
	ck_assert_int_eq(loop_create(&loop), 0);
}

static void setup_epoll(void)
{
	ck_assert_int_eq(loop_create_epoll(&loop), 0);
	ck_assert_str_eq(loop_backend(loop), "epoll");
}

static void teardown(void)
{
	loop_destroy(loop);
}

static void add_case(Suite *s, const char *name, void (*fixture)(void))
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, fixture, teardown);
	tcase_add_test(t, level_triggered_until_the_end);
	tcase_add_test(t, the_ring_takes_polls_only);
	tcase_add_test(t, nothing_is_lost_by_a_stop);
	tcase_add_test(t, regular_files_are_always_ready);
	tcase_add_test(t, unwatched_means_silent);
	tcase_add_test(t, timers_restart_and_stop);
	tcase_add_test(t, timers_expire_in_order);
	tcase_add_test(t, too_many_watches);
	tcase_add_test(t, one_watch_per_descriptor);
	suite_add_tcase(s, t);
}

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/loop");

	add_case(s, "default", setup);
	add_case(s, "epoll", setup_epoll);
	return s;
}
