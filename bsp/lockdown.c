/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Locking down the process of the BSP: it is the user's own code, and yet must not be able to harm
 * the host or the partitions. How is written in docs/lock-down.md; what it means for a BSP in
 * docs/porting-a-bsp.md.
 */
#include "bsp/host.h"

#include "lib/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static const struct sandbox_limit early_limits[] = {
	{RLIMIT_CORE, 0},
	{RLIMIT_MSGQUEUE, 0},
};

static const struct sandbox_limit late_limits[] = {
	{RLIMIT_NPROC, 0}, /* threads that are there stay */
};

static const struct sandbox_rule allowed_calls[] = {
	/* Files that the plan gives it, whatever they are: devices, too, each with its ioctls. */
	SANDBOX_CALL("read"),
	SANDBOX_CALL("readv"),
	SANDBOX_CALL("pread64"),
	SANDBOX_CALL("preadv"),
	SANDBOX_CALL("write"),
	SANDBOX_CALL("writev"),
	SANDBOX_CALL("pwrite64"),
	SANDBOX_CALL("pwritev"),
	SANDBOX_CALL("lseek"),
	SANDBOX_CALL("ioctl"),
	SANDBOX_CALL("fsync"),
	SANDBOX_CALL("fdatasync"),
	SANDBOX_CALL("ftruncate"),
	SANDBOX_CALL("fstat"),
	SANDBOX_CALL_MASKED("newfstatat", 3, AT_EMPTY_PATH, AT_EMPTY_PATH),
	SANDBOX_CALL("close"),
	SANDBOX_CALL_IF("fcntl", 1, F_DUPFD_CLOEXEC),
	SANDBOX_CALL_IF("fcntl", 1, F_GETFL),
	SANDBOX_CALL_IF("fcntl", 1, F_SETFL),
	SANDBOX_CALL_IF("fcntl", 1, F_GETFD),
	/* The supervisor's socket. */
	SANDBOX_CALL("sendmsg"),
	SANDBOX_CALL("sendto"),
	SANDBOX_CALL("recvmsg"),
	SANDBOX_CALL("recvfrom"),
	/* Waiting, and time. */
	SANDBOX_CALL("poll"),
	SANDBOX_CALL("ppoll"),
	SANDBOX_CALL("pause"),
	SANDBOX_CALL("select"),
	SANDBOX_CALL("pselect6"),
	SANDBOX_CALL("eventfd2"),
	SANDBOX_CALL("timerfd_create"),
	SANDBOX_CALL("timerfd_settime"),
	SANDBOX_CALL("restart_syscall"),
	SANDBOX_CALL("clock_gettime"),
	SANDBOX_CALL("clock_getres"),
	SANDBOX_CALL("gettimeofday"),
	SANDBOX_CALL("time"),
	SANDBOX_CALL("nanosleep"),
	SANDBOX_CALL("clock_nanosleep"),
	/* What a check of the host may ask about its own thread. */
	SANDBOX_CALL("getcpu"),
	SANDBOX_CALL("sched_getaffinity"),
	SANDBOX_CALL("sched_getscheduler"),
	SANDBOX_CALL("sched_getparam"),
	SANDBOX_CALL("getrusage"),
	SANDBOX_CALL("uname"),
	SANDBOX_CALL("sysinfo"),
	SANDBOX_CALL("getrandom"),
	/* Threads among themselves, and their ends. tgkill is in own_signals. */
	SANDBOX_CALL("futex"),
	SANDBOX_CALL("sched_yield"),
	SANDBOX_CALL("getpid"),
	SANDBOX_CALL("gettid"),
	SANDBOX_CALL("rt_sigaction"),
	SANDBOX_CALL("rt_sigprocmask"),
	SANDBOX_CALL("rt_sigreturn"),
	SANDBOX_CALL("sigaltstack"),
	SANDBOX_CALL("exit"),
	SANDBOX_CALL("exit_group"),
	/* The first steps of threads that were made before the filter and run after it. */
	SANDBOX_CALL("set_robust_list"),
	SANDBOX_CALL("rseq"),
	SANDBOX_CALL_IF("prctl", 0, PR_SET_NAME),
	/* Memory that nothing can be executed in: the heap, a device's registers. */
	SANDBOX_CALL("brk"),
	SANDBOX_CALL_MASKED("mmap", 2, PROT_EXEC, 0),
	SANDBOX_CALL_MASKED("mprotect", 2, PROT_EXEC, 0),
	SANDBOX_CALL("mremap"),
	SANDBOX_CALL("munmap"),
	SANDBOX_CALL("madvise"),
};

static void filter_calls(struct diags *gaps)
{
	const struct sandbox_rule own_signals = SANDBOX_CALL_IF("tgkill", 0, (uint32_t)getpid());
	struct sandbox_filter *filter = NULL;
	int ret = sandbox_filter_create(SANDBOX_ALLOW_LISTED, &filter);

	if (!ret)
		ret = sandbox_filter_add(filter, allowed_calls, ARRAY_SIZE(allowed_calls));
	if (!ret)
		ret = sandbox_filter_add(filter, &own_signals, 1);
	sandbox_filter_finish(filter, ret, gaps);
}

void host_lockdown_early(const struct host *host, struct diags *gaps)
{
	if (host->launch.lockdown == BSP_LOCKDOWN_OFF)
		return;
	sandbox_enter(gaps);
	sandbox_limit(early_limits, ARRAY_SIZE(early_limits), gaps);
}

void host_lockdown_late(const struct host *host, struct diags *gaps)
{
	if (host->launch.lockdown == BSP_LOCKDOWN_OFF)
		return;
	sandbox_limit(late_limits, ARRAY_SIZE(late_limits), gaps);
	filter_calls(gaps);
}
