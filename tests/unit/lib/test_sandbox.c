/* SPDX-License-Identifier: BSD-3-Clause */
/* Each test locks a forked child down, which then tries what it should not be able to. */
#include "lib/sandbox.h"
#include "lib/util.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

/* The wait status of a child that runs BODY(ARG) and exits with what it returns. */
static int in_child(int (*body)(const void *arg), const void *arg)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(body(arg));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* ---- sandbox_filter ---- */

static const struct sandbox_rule allowed[] = {
	SANDBOX_CALL("exit_group"),
	SANDBOX_CALL("sigaltstack"), /* sanitizers ask for it on the way to the exit */
	SANDBOX_CALL("getppid"),
	SANDBOX_CALL_MASKED("mprotect", 2, PROT_EXEC, 0),
	SANDBOX_CALL_MASKED("mmap", 2, PROT_EXEC, 0),
	SANDBOX_CALL_IF("fcntl", 1, F_GETFL),
};

static const struct sandbox_rule none = SANDBOX_CALL("no_such_call");

static void apply(enum sandbox_filter_kind kind, const struct sandbox_rule *rules, size_t count)
{
	struct sandbox_filter *filter;
	struct diags gaps;

	diags_init(&gaps);
	if (sandbox_filter_create(kind, &filter) || sandbox_filter_add(filter, rules, count))
		_exit(99);
	sandbox_filter_apply(filter, &gaps);
	if (gaps.count)
		_exit(98);
}

enum act {
	ACT_GETPPID,
	ACT_GETFL,
	ACT_MMAP,
	ACT_OPEN,
	ACT_SOCKET,
	ACT_PTRACE,
	ACT_KILL,
	ACT_FORK,
	ACT_EXEC,
	ACT_SETFL,
	ACT_MMAP_EXEC,
	ACT_MPROTECT_EXEC,
	ACT_COUNT,
};

static int act(const void *arg)
{
	static _Alignas(4096) char page[4096];
	char *const argv[] = {page, NULL};

	apply(SANDBOX_ALLOW_LISTED, allowed, ARRAY_SIZE(allowed));
	switch (*(const enum act *)arg) {
	case ACT_GETPPID:
		return getppid() == 0;
	case ACT_GETFL:
		return fcntl(0, F_GETFL) < 0;
	case ACT_MMAP:
		return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		       MAP_FAILED;
	case ACT_OPEN:
		return open("/dev/null", O_RDONLY);
	case ACT_SOCKET:
		return socket(AF_UNIX, SOCK_STREAM, 0);
	case ACT_PTRACE:
		return (int)ptrace(PTRACE_TRACEME, 0, 0, 0);
	case ACT_KILL:
		return kill(getppid(), 0);
	case ACT_FORK:
		return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	case ACT_EXEC:
		return execve("/bin/true", argv, environ);
	case ACT_SETFL:
		return fcntl(0, F_SETFL, 0);
	case ACT_MMAP_EXEC:
		return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0) == MAP_FAILED;
	case ACT_MPROTECT_EXEC:
		return mprotect(page, sizeof(page), PROT_READ | PROT_EXEC);
	default:
		return 97;
	}
}

START_TEST(only_listed_calls_are_survived)
{
	enum act it = (enum act)_i;
	int status = in_child(act, &it);

	if (it < ACT_OPEN) {
		ck_assert(WIFEXITED(status));
		ck_assert_int_eq(WEXITSTATUS(status), 0);
	} else {
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
			"act %d: status %#x", it, (unsigned)status);
	}
}
END_TEST

static int denied(const void *arg)
{
	static const struct sandbox_rule rules[] = {SANDBOX_CALL("socket")};

	(void)arg;
	apply(SANDBOX_DENY_LISTED, rules, ARRAY_SIZE(rules));
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		return 1;
	return open("/dev/null", O_RDONLY) < 0 ? 2 : 0;
}

START_TEST(denied_calls_fail_and_others_do_not)
{
	ck_assert_int_eq(in_child(denied, NULL), 0);
}
END_TEST

START_TEST(names_that_are_none_are_refused)
{
	struct sandbox_filter *filter;

	ck_assert_int_eq(sandbox_filter_create(SANDBOX_ALLOW_LISTED, &filter), 0);
	ck_assert_int_eq(sandbox_filter_add(filter, &none, 1), -EINVAL);
	/* Twice the same is no mistake. */
	ck_assert_int_eq(sandbox_filter_add(filter, &allowed[0], 1), 0);
	ck_assert_int_eq(sandbox_filter_add(filter, &allowed[0], 1), 0);
	sandbox_filter_destroy(filter);
	sandbox_filter_destroy(NULL);
}
END_TEST

/* ---- sandbox_enter ---- */

/* Inside, with GAPS. 77 where this host does not allow what is tried: the gaps say so. */
static int outcome(struct diags *gaps)
{
	static const struct sandbox_limit limits[] = {{RLIMIT_NPROC, 0}, {RLIMIT_CORE, 0}};
	struct rlimit limit;

	sandbox_limit(limits, ARRAY_SIZE(limits), gaps);
	if (!prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
		return 1;
	if (getrlimit(RLIMIT_CORE, &limit) || limit.rlim_max != 0)
		return 2;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 0, 0) == 0 || geteuid() == 0)
		return 3;
	/* Not born into a pid namespace: that is always said. */
	if (getpid() != 1 && !gaps->count)
		return 4;
	for (unsigned i = 0; i < gaps->count; i++) {
		if (strstr(gaps->items[i].text, "mount"))
			return 77;
	}
	if (open("/etc/passwd", O_RDONLY) >= 0 || errno != ENOENT)
		return 5;
	if (open("/x", O_RDWR | O_CREAT, 0600) >= 0 || errno != EROFS)
		return 6;
	return 0;
}

static int entered(const void *arg)
{
	struct diags gaps;

	(void)arg;
	diags_init(&gaps);
	sandbox_enter(&gaps);
	return outcome(&gaps);
}

START_TEST(entering_leaves_nothing_to_open)
{
	int status = in_child(entered, NULL);

	ck_assert(WIFEXITED(status));
	ck_assert_msg(
		WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77, "%d", WEXITSTATUS(status));
}
END_TEST

static void *wait_for_it(void *arg)
{
	pthread_mutex_lock(arg);
	return arg;
}

/* In steps, with a thread that is there during the second. */
static int entered_in_steps(const void *arg)
{
	pthread_mutex_t entering = PTHREAD_MUTEX_INITIALIZER;
	struct sandbox_entry entry;
	struct diags gaps;
	pthread_t thread;

	(void)arg;
	diags_init(&gaps);
	sandbox_enter_user(&entry, &gaps);
	pthread_mutex_lock(&entering);
	if (pthread_create(&thread, NULL, wait_for_it, &entering))
		return 97;
	sandbox_enter_rest(&entry, &gaps);
	pthread_mutex_unlock(&entering);
	pthread_join(thread, NULL);
	return outcome(&gaps);
}

START_TEST(entering_in_steps_leaves_nothing_to_open)
{
	int status = in_child(entered_in_steps, NULL);

	ck_assert(WIFEXITED(status));
	ck_assert_msg(
		WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77, "%d", WEXITSTATUS(status));
}
END_TEST

/* ---- sandbox_spawn ---- */

START_TEST(spawn_passes_the_listed_descriptors_only)
{
	static char sh[] = "sh", c[] = "-c",
		    script[] = "[ -e /proc/self/fd/\"$0\" ] && ! [ -e /proc/self/fd/\"$1\" ]";
	char kept[16], closed[16];
	char *const argv[] = {sh, c, script, kept, closed, NULL};
	int fds[] = {open("/dev/null", O_RDONLY | O_CLOEXEC), -1};
	int other = open("/dev/null", O_RDONLY | O_CLOEXEC), pidfd = -1;
	struct sandbox_spawn s = {.path = "/bin/sh",
		.argv = argv,
		.envp = environ,
		.fds = fds,
		.fd_count = ARRAY_SIZE(fds),
		.isolate = _i};
	pid_t pid = -1;
	int status;

	snprintf(kept, sizeof(kept), "%d", fds[0]);
	snprintf(closed, sizeof(closed), "%d", other);
	ck_assert_int_eq(sandbox_spawn(&s, &pid, &pidfd), 0);
	ck_assert_int_ge(pidfd, 0);
	ck_assert(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(pidfd);
	close(other);
	close(fds[0]);
}
END_TEST

START_TEST(spawn_tells_what_cannot_be_executed)
{
	char *const argv[] = {NULL};
	struct sandbox_spawn s = {
		.path = "/nowhere/at/all", .argv = argv, .envp = environ, .isolate = _i};
	pid_t pid = -1;
	int pidfd = -1;

	ck_assert_int_eq(sandbox_spawn(&s, &pid, &pidfd), -ENOENT);
	ck_assert_int_eq(pid, -1);
	ck_assert_int_eq(pidfd, -1);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("sandbox");
	TCase *tc = tcase_create("sandbox");

	tcase_add_loop_test(tc, only_listed_calls_are_survived, 0, ACT_COUNT);
	tcase_add_test(tc, denied_calls_fail_and_others_do_not);
	tcase_add_test(tc, names_that_are_none_are_refused);
	tcase_add_test(tc, entering_leaves_nothing_to_open);
	tcase_add_test(tc, entering_in_steps_leaves_nothing_to_open);
	tcase_add_loop_test(tc, spawn_passes_the_listed_descriptors_only, 0, 2);
	tcase_add_loop_test(tc, spawn_tells_what_cannot_be_executed, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}
