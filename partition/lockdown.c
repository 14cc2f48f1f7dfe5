/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/lockdown.h"

#include "lib/util.h"
#include "partition/device_calls.h"
#include "vmm/runtime.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/*
 * Descriptors: vCPUs, modules, consoles, those who attach to them; interrupts and doorbells of
 * devices (vmm/machine.h).
 */
#define DESCRIPTORS_MAX 1024

/* Queued at once: a kick for each vCPU. */
#define SIGNALS_MAX PLAN_VCPUS_MAX

/* ---- limits ---- */

static const struct sandbox_limit early_limits[] = {
	{RLIMIT_CORE, 0}, /* a dump would hold the guest's memory */
	{RLIMIT_NOFILE, DESCRIPTORS_MAX}, {RLIMIT_MSGQUEUE, 0},
	{RLIMIT_SIGPENDING, SIGNALS_MAX}, /* what is queued counts for the user, not for us */
};

static const struct sandbox_limit late_limits[] = {
	{RLIMIT_NPROC, 0}, /* threads that are there stay */
};

/* ---- system calls ---- */

static const struct sandbox_rule allowed_calls[] = {
	/* Descriptors that are open: consoles, logs, the supervisor's socket, events. */
	SANDBOX_CALL("read"), SANDBOX_CALL("readv"), SANDBOX_CALL("preadv2"), SANDBOX_CALL("write"),
	SANDBOX_CALL("writev"),
	/* Not lseek: a file on standard output has one position for all who write to it. */
	SANDBOX_CALL("close"), SANDBOX_CALL("sendmsg"), SANDBOX_CALL("sendto"),
	SANDBOX_CALL("recvmsg"), SANDBOX_CALL("recvfrom"), SANDBOX_CALL("fstat"),
	SANDBOX_CALL_MASKED(
		"newfstatat", 3, AT_EMPTY_PATH, AT_EMPTY_PATH), /* the C library's fstat */
	/* Not F_SETFL: who writes to eventfds and consoles beside us must not be made to block. */
	SANDBOX_CALL_IF("fcntl", 1, F_DUPFD_CLOEXEC), SANDBOX_CALL_IF("fcntl", 1, F_GETFL),
	/* A terminal's mode: it is restored if the supervisor dies. The second forms are glibc's
	 * from 2.42 on. None of the ioctls that type. */
	SANDBOX_CALL_IF("ioctl", 1, TCGETS), SANDBOX_CALL_IF("ioctl", 1, TCSETS),
	SANDBOX_CALL_IF("ioctl", 1, TCGETS2), SANDBOX_CALL_IF("ioctl", 1, TCSETS2),
	/* Waiting: the event loop on either of its back-ends, and its timers. The io_uring was told
	 * to take requests to poll and no others (lib/loop_uring.c). */
	SANDBOX_CALL("io_uring_enter"), SANDBOX_CALL("epoll_wait"), SANDBOX_CALL("epoll_pwait"),
	SANDBOX_CALL("epoll_ctl"), SANDBOX_CALL("poll"), SANDBOX_CALL("ppoll"),
	SANDBOX_CALL("timerfd_create"), SANDBOX_CALL("timerfd_settime"),
	SANDBOX_CALL("restart_syscall"),
	/* Time; most of it needs no system call where the host's clock allows that. */
	SANDBOX_CALL("clock_gettime"), SANDBOX_CALL("clock_getres"), SANDBOX_CALL("gettimeofday"),
	SANDBOX_CALL("time"), SANDBOX_CALL("nanosleep"), SANDBOX_CALL("clock_nanosleep"),
	/* Threads among themselves: locks, waiting, kicks, ends. tgkill is in kick_rule. */
	SANDBOX_CALL("futex"), SANDBOX_CALL("sched_yield"), SANDBOX_CALL("getpid"),
	SANDBOX_CALL("gettid"), SANDBOX_CALL("rt_sigaction"), SANDBOX_CALL("rt_sigprocmask"),
	SANDBOX_CALL("rt_sigreturn"), SANDBOX_CALL("exit"), SANDBOX_CALL("exit_group"),
	SANDBOX_CALL("sigaltstack"), /* AddressSanitizer's, at the end of each thread */
	/* The first steps of threads that were made before the filter and run after it. */
	SANDBOX_CALL("set_robust_list"), SANDBOX_CALL("rseq"),
	SANDBOX_CALL_IF("prctl", 0, PR_SET_NAME),
	/* Memory that nothing can be executed in: the C library's heap. */
	SANDBOX_CALL("brk"), SANDBOX_CALL_MASKED("mmap", 2, PROT_EXEC, 0),
	SANDBOX_CALL_MASKED("mprotect", 2, PROT_EXEC, 0), SANDBOX_CALL("mremap"),
	SANDBOX_CALL("munmap"), SANDBOX_CALL("madvise"),
	SANDBOX_CALL("sched_getaffinity"), /* how many heaps malloc makes */
};

/* REQUESTS ends with 0. */
static int add_ioctls(struct sandbox_filter *filter, const unsigned *requests)
{
	int ret = 0;

	for (; !ret && *requests; requests++) {
		const struct sandbox_rule rule = SANDBOX_CALL_IF("ioctl", 1, *requests);

		ret = sandbox_filter_add(filter, &rule, 1);
	}
	return ret;
}

static int add_calls(const struct partition_lockdown *l, struct sandbox_filter *filter)
{
	const struct plan_partition *p = l->plan;
	/* Signals to our own threads only. */
	const struct sandbox_rule kick_rule = SANDBOX_CALL_IF("tgkill", 0, (uint32_t)getpid());
	int ret = sandbox_filter_add(filter, allowed_calls, ARRAY_SIZE(allowed_calls));

	if (!ret)
		ret = sandbox_filter_add(filter, &kick_rule, 1);
	if (!ret)
		ret = device_calls_add(p, l->disk_threads, filter);
	if (!ret)
		ret = add_ioctls(filter, arch_runtime_ioctls);
	if (!ret && plan_machine_has(p, PLAN_PART_HPET))
		ret = add_ioctls(filter, arch_hpet_ioctls);
	return ret;
}

/* ---- the whole ---- */

/* Gaps of a strict plan are errors, placed where the plan names the partition. */
static int conclude(struct partition_lockdown *l)
{
	const struct plan_partition *p = l->plan;
	struct diags found = l->gaps;

	if (p->lockdown != PLAN_LOCKDOWN_STRICT || !found.count)
		return 0;
	diags_init(&l->gaps);
	for (unsigned i = 0; i < found.count; i++)
		diag_error(&l->gaps, &p->locs[PLAN_KEY_PARTITION], p->name,
			"it cannot be isolated, as lockdown: strict demands: %s",
			found.items[i].text);
	diags_fini(&found);
	return -EPERM;
}

static bool off(const struct partition_lockdown *l)
{
	return l->plan->lockdown == PLAN_LOCKDOWN_OFF;
}

void partition_lockdown_first(
	const struct plan_partition *p, struct partition_lockdown *ret_lockdown)
{
	*ret_lockdown = (struct partition_lockdown){.plan = p};
	diags_init(&ret_lockdown->gaps);
	if (!off(ret_lockdown))
		sandbox_enter_user(&ret_lockdown->entry, &ret_lockdown->gaps);
}

int partition_lockdown_enter(struct partition_lockdown *l)
{
	if (off(l))
		return 0;
	sandbox_enter_rest(&l->entry, &l->gaps);
	sandbox_limit(early_limits, ARRAY_SIZE(early_limits), &l->gaps);
	/* The C library looks for the time zone once, whatever is asked of it: now, in vain. */
	tzset();
	l->filter_error = sandbox_filter_create(SANDBOX_ALLOW_LISTED, &l->filter);
	if (!l->filter_error)
		l->filter_error = add_calls(l, l->filter);
	return conclude(l);
}

int partition_lockdown_last(struct partition_lockdown *l)
{
	if (off(l))
		return 0;
	/* The kernel counts its own workers for an io_uring as ours. */
	if (!device_calls_workers(l->plan))
		sandbox_limit(late_limits, ARRAY_SIZE(late_limits), &l->gaps);
	sandbox_filter_finish(l->filter, l->filter_error, &l->gaps);
	l->filter = NULL;
	return conclude(l);
}

size_t partition_lockdown_text(const struct partition_lockdown *l, char *text, size_t size)
{
	const struct diags *gaps = &l->gaps;
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < gaps->count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s\n", gaps->items[i].text);
	return min_u64(used, size - 1);
}
