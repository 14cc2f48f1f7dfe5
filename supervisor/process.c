/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/process.h"

#include "lib/ipc.h"
#include "lib/sandbox.h"
#include "lib/util.h"
#include "partition/protocol.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

extern char **environ;

/*
 * The cores for a start: all but the first. Its kernel work takes long and is not interrupted,
 * while KVM, on behalf of its thread (vmm/ahead.h), waits for callbacks that the kernel calls on
 * its boot processor [Linux kernel/rcu/srcutree.c, srcu_gp_end]. False: there is no other.
 */
static bool find_start_cores(cpu_set_t *ret_cores)
{
	if (sched_getaffinity(0, sizeof(*ret_cores), ret_cores))
		return false;
	CPU_CLR(0, ret_cores);
	return CPU_COUNT(ret_cores) > 0;
}

int process_start(bool isolate, struct partition_process *ret_process)
{
	struct partition_process p = {.isolated = isolate};
	char number[16];
	char *argv[] = {PARTITION_ARGV0, number, PARTITION_ARGV_NAME, NULL};
	int pair[2], ret = ipc_pair(pair);
	cpu_set_t cores;
	const struct sandbox_spawn spawn = {
		.path = "/proc/self/exe",
		.argv = argv,
		.envp = environ,
		.fds = &pair[1],
		.fd_count = 1,
		.isolate = isolate,
		.cores = find_start_cores(&cores) ? &cores : NULL,
	};

	if (ret)
		return ret;
	snprintf(number, sizeof(number), "%d", pair[1]);
	ret = sandbox_spawn(&spawn, &p.pid, &p.pidfd);
	close(pair[1]);
	if (ret) {
		close(pair[0]);
		return ret;
	}
	p.control_fd = pair[0];
	*ret_process = p;
	return 0;
}

void process_end(struct partition_process *process)
{
	if (process->pid <= 0)
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
	if (!spare || spare->pid <= 0 || spare->isolated != isolate)
		return process_start(isolate, ret_process);
	*ret_process = *spare;
	spare->pid = 0;
	return 0;
}
