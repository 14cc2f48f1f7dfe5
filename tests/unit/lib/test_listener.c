/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/listener.h"
#include "lib/util.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define MS 1000000

static struct loop *loop;
static struct listener listener;
static struct sockaddr_un address;
static socklen_t address_size;
static int listen_fd, came_fd, came_count;

static void came(struct listener *l, int fd)
{
	ck_assert_ptr_eq(l, &listener);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	came_fd = fd;
	came_count++;
	listener_pause(l);
	loop_stop(loop);
}

static void setup(void)
{
	came_fd = -1;
	came_count = 0;
	ck_assert_int_eq(loop_create(&loop), 0);
	listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(listen_fd, 0);
	address.sun_family = AF_UNIX; /* of no name: the kernel gives one */
	ck_assert_int_eq(bind(listen_fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	address_size = sizeof(address);
	ck_assert_int_eq(getsockname(listen_fd, (struct sockaddr *)&address, &address_size), 0);
	ck_assert_int_eq(listen(listen_fd, 4), 0);
	ck_assert_int_eq(listener_init(&listener, loop, listen_fd, came), 0);
}

static void teardown(void)
{
	listener_fini(&listener);
	listener_fini(&listener);
	fd_close(&came_fd);
	fd_close(&listen_fd);
	loop_destroy(loop);
}

static int client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, address_size), 0);
	return fd;
}

START_TEST(one_at_a_time)
{
	int first = client(), second = client();

	unit_run_loop(loop, 50 * MS);
	ck_assert_int_eq(came_count, 1);
	unit_run_loop(loop, 50 * MS);
	ck_assert_int_eq(came_count, 1);
	fd_close(&came_fd);
	ck_assert_int_eq(listener_resume(&listener), 0);
	unit_run_loop(loop, 1000 * MS);
	ck_assert_int_eq(came_count, 2);
	close(first);
	close(second);
}
END_TEST

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000 * MS + (uint64_t)ts.tv_nsec;
}

/* The connection waits, and costs nothing, until there is a descriptor for it. */
START_TEST(no_descriptor_left)
{
	int fd = client(), next = dup(fd);
	struct rlimit all, few;
	uint64_t before;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = all.rlim_max};
	close(next);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	before = cpu_ns();
	unit_run_loop(loop, 250 * MS);
	ck_assert_int_eq(came_count, 0);
	ck_assert_uint_lt(cpu_ns() - before, 60 * MS);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	unit_run_loop(loop, 2000 * MS);
	ck_assert_int_eq(came_count, 1);
	close(fd);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/listener");
	TCase *t = tcase_create("listener");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, one_at_a_time);
	tcase_add_test(t, no_descriptor_left);
	suite_add_tcase(s, t);
	return s;
}
