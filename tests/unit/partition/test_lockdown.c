/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The partition's filter: calls of C libraries and sanitizers that are not ours but made all the
 * same, and calls that would reach others through a descriptor that they share. What else it
 * forbids is tried by tests/integration/compromised.c.
 */
#include "lib/util.h"
#include "partition/lockdown.h"
#include "tests/unit/unit.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum call {
	CALL_NONE,
	CALL_GET_MODE,  /* glibc 2.42: tcgetattr, isatty */
	CALL_SET_MODE,  /* and tcsetattr */
	CALL_ALTSTACK,  /* AddressSanitizer, when a thread ends */
	CALL_NEW_ARENA, /* malloc on another thread than the first */
	CALL_TYPE,      /* the first that is not allowed */
	CALL_UNBLOCK,   /* O_NONBLOCK of a console that others write to, too */
	CALL_SEEK,      /* back in a file that others write to, too */
	CALL_COUNT,
};

static void make_call(enum call call)
{
	struct termios2 mode = {0};
	const stack_t off = {.ss_flags = SS_DISABLE};

	switch (call) {
	case CALL_GET_MODE:
		ioctl(STDIN_FILENO, TCGETS2, &mode);
		break;
	case CALL_SET_MODE:
		ioctl(-1, TCSETS2, &mode);
		break;
	case CALL_ALTSTACK:
		sigaltstack(&off, NULL);
		break;
	case CALL_NEW_ARENA:
		mprotect(mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096,
			PROT_READ | PROT_WRITE);
		break;
	case CALL_TYPE:
		ioctl(-1, TIOCSTI, "x");
		break;
	case CALL_UNBLOCK:
		fcntl(STDERR_FILENO, F_SETFL, 0);
		break;
	case CALL_SEEK:
		lseek(STDERR_FILENO, 0, SEEK_SET);
		break;
	default:
		break;
	}
}

START_TEST(calls)
{
	static struct plan_partition plan = {.lockdown = PLAN_LOCKDOWN_AUTO};
	enum call call = (enum call)_i;
	pid_t pid = fork();
	struct partition_lockdown l;
	int status;

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		partition_lockdown_first(&plan, &l);
		if (partition_lockdown_enter(&l))
			_exit(99);
		l.gaps.count = 0; /* of namespaces that this host does not give */
		if (partition_lockdown_last(&l) || l.gaps.count)
			_exit(99);
		make_call(call);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (call < CALL_TYPE)
		ck_assert_msg(status == 0, "call %d: status %#x", call, (unsigned)status);
	else
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("partition/lockdown");
	TCase *t = tcase_create("filter");

	tcase_add_loop_test(t, calls, 0, CALL_COUNT);
	suite_add_tcase(s, t);
	return s;
}
