/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/process.h"

#include "lib/ipc.h"
#include "lib/sandbox.h"
#include "lib/util.h"
#include "partition/protocol.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- starting ---- */

/* What the thread that starts a process works on. */
struct process_starter {
	pthread_t thread;
	int child_fd; /* the process's end of its socket pair */
	bool isolate;
	/* The outcome, final once the thread is gone. */
	pid_t tid, pid;
	int pidfd;
	int ret;
};

static void *starter_thread(void *arg)
{
	struct process_starter *s = arg;
	char number[16];
	char *argv[] = {PARTITION_ARGV0, number, PARTITION_ARGV_NAME, NULL};
	const struct sandbox_spawn spawn = {
		.path = "/proc/self/exe",
		.argv = argv,
		.envp = environ,
		.fds = &s->child_fd,
		.fd_count = 1,
		.isolate = s->isolate,
	};

	s->tid = gettid();
	snprintf(number, sizeof(number), "%d", s->child_fd);
	s->ret = sandbox_spawn(&spawn, &s->pid, &s->pidfd);
	close(s->child_fd);
	return NULL;
}

/*
 * The cores for a start, of those that are ALLOWED. Not the first: KVM waits for callbacks that the
 * kernel calls on its boot processor [Linux kernel/rcu/srcutree.c, srcu_gp_end], and a start is
 * kernel work that is not interrupted. Not the one that this thread is on: it goes on there, or, if
 * there is no other, leaves it. False: there is no choice.
 */
static bool find_start_cores(const cpu_set_t *allowed, cpu_set_t *ret_cores)
{
	int here = sched_getcpu();
	cpu_set_t rest;

	*ret_cores = *allowed;
	CPU_CLR(0, ret_cores);
	if (here >= 0 && CPU_COUNT(ret_cores) > 1)
		CPU_CLR((size_t)here, ret_cores);
	CPU_XOR(&rest, allowed, ret_cores);
	if (!CPU_COUNT(&rest) || !CPU_COUNT(ret_cores))
		return false;
	if (here >= 0 && CPU_ISSET((size_t)here, ret_cores)) {
		sched_setaffinity(0, sizeof(rest), &rest);
		sched_setaffinity(0, sizeof(*allowed), allowed);
	}
	return true;
}

/*
 * The thread, with all signals blocked, on cores of its own: the process begins there, and its
 * maker, which sleeps until the exec, is not this thread, which would be woken on that core.
 */
static int create_thread(struct process_starter *s)
{
	cpu_set_t allowed, cores;
	pthread_attr_t attr;
	sigset_t all;
	int ret;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setsigmask_np(&attr, &all);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0 &&
		find_start_cores(&allowed, &cores))
		pthread_attr_setaffinity_np(&attr, sizeof(cores), &cores);
	ret = pthread_create(&s->thread, &attr, starter_thread, s);
	pthread_attr_destroy(&attr);
	return -ret;
}

int process_start(bool isolate, struct partition_process *ret_process)
{
	struct process_starter *s = calloc(1, sizeof(*s));
	int pair[2], ret = s ? ipc_pair(pair) : -ENOMEM;

	if (!ret) {
		*s = (struct process_starter){.child_fd = pair[1], .isolate = isolate, .pidfd = -1};
		ret = create_thread(s);
		if (ret) {
			close(pair[0]);
			close(pair[1]);
		}
	}
	if (ret) {
		free(s);
		return ret;
	}
	*ret_process = (struct partition_process){
		.starter = s, .pidfd = -1, .control_fd = pair[0], .isolated = isolate};
	return 0;
}

/*
 * A process that wants a signal when its parent dies gets one when the thread that started it ends,
 * which the kernel sees to after it has woken who joins it.
 */
static void wait_gone(const struct process_starter *s)
{
	pthread_join(s->thread, NULL);
	while (tgkill(getpid(), s->tid, 0) == 0)
		usleep(20);
}

int process_wait(struct partition_process *process)
{
	struct process_starter *s = process->starter;
	int ret;

	if (!s)
		return process->pid > 0 ? 0 : -ESRCH;
	wait_gone(s);
	process->starter = NULL;
	process->pid = s->pid;
	process->pidfd = s->pidfd;
	ret = s->ret;
	free(s);
	if (ret) {
		process->pid = 0;
		fd_close(&process->control_fd);
	}
	return ret;
}

void process_end(struct partition_process *process)
{
	if (process_wait(process))
		return;
	kill(process->pid, SIGKILL);
	while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	fd_close(&process->pidfd);
	fd_close(&process->control_fd);
	process->pid = 0;
}

int process_get(
	struct partition_process *spare, bool isolate, struct partition_process *ret_process)
{
	struct partition_process p;
	int ret;

	if (spare && spare->isolated == isolate && process_wait(spare) == 0) {
		*ret_process = *spare;
		spare->pid = 0;
		return 0;
	}
	ret = process_start(isolate, &p);
	if (!ret)
		ret = process_wait(&p);
	if (!ret)
		*ret_process = p;
	return ret;
}
