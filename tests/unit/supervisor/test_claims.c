/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/util.h"
#include "supervisor/claims.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* Core numbers beyond those of any plan, and of this process alone: tests and runs do not meet. */
#define CORE (1000000 + 2 * (unsigned)test_pid)

static pid_t test_pid;

static struct loop *loop;
static struct claims *claims;

/* A process of its own that claims CORE and answers for it. */
static pid_t other_run(const char *name)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct claim_owner owner;

		claims_destroy(claims);
		if (loop_create_epoll(&loop) || claims_create(loop, name, &claims) ||
			claims_take(claims, CORE, &owner) || write(ready[1], "r", 1) != 1)
			_exit(1);
		loop_run(loop);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(a_core_is_claimed_once)
{
	struct claim_owner owner;
	pid_t pid = other_run("other");

	ck_assert_int_eq(claims_take(claims, CORE, &owner), -EBUSY);
	ck_assert_str_eq(owner.run, "other");
	ck_assert_int_eq(owner.pid, pid);
	ck_assert(core_claimed(CORE, NULL));
	ck_assert_int_eq(claims_take(claims, CORE + 1, &owner), 0);
	ck_assert(core_claimed(CORE + 1, NULL));
	claims_destroy(claims);
	claims = NULL;
	ck_assert(!core_claimed(CORE + 1, NULL));
	end(pid);
}
END_TEST

START_TEST(claims_of_the_dead_are_void)
{
	struct claim_owner owner;
	pid_t pid = other_run("other");

	end(pid);
	ck_assert(!core_claimed(CORE, &owner));
	ck_assert_int_eq(claims_take(claims, CORE, &owner), 0);
}
END_TEST

START_TEST(an_owner_that_does_not_answer_is_known_by_its_process)
{
	struct claim_owner owner;
	pid_t pid = other_run("other");

	kill(pid, SIGSTOP);
	ck_assert_int_eq(claims_take(claims, CORE, &owner), -EBUSY);
	ck_assert_str_eq(owner.run, "");
	ck_assert_int_eq(owner.pid, pid);
	/* Nor do many who ask make the claim void. */
	for (unsigned i = 0; i < 100; i++)
		ck_assert(core_claimed(CORE, NULL));
	end(pid);
}
END_TEST

START_TEST(many_ask)
{
	struct claim_owner owner;
	pid_t pid = other_run("other");

	for (unsigned i = 0; i < 1000; i++) {
		ck_assert(core_claimed(CORE, NULL));
		if (i % 100 == 0) {
			ck_assert(core_claimed(CORE, &owner));
			ck_assert_int_eq(owner.pid == pid || owner.pid == 0, 1);
		}
	}
	end(pid);
}
END_TEST

static void setup(void)
{
	test_pid = getpid();
	ck_assert_int_eq(loop_create_epoll(&loop), 0);
	ck_assert_int_eq(claims_create(loop, "mine", &claims), 0);
}

static void teardown(void)
{
	claims_destroy(claims);
	loop_destroy(loop);
}

Suite *unit_suite(void)
{
	Suite *s = suite_create("supervisor/claims");
	TCase *t = tcase_create("claims");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, a_core_is_claimed_once);
	tcase_add_test(t, claims_of_the_dead_are_void);
	tcase_add_test(t, an_owner_that_does_not_answer_is_known_by_its_process);
	tcase_add_test(t, many_ask);
	suite_add_tcase(s, t);
	return s;
}
