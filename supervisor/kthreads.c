/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel threads that work for a partition: KVM's on x86, for a VM's PIT, and, before Linux 6.4,
 * those of vhost, which move the frames and bytes of its network and socket devices. They are no
 * threads of the partition process, start out on any core, and do work at a rate that the guest
 * chooses: left alone, one partition's would run on another's core. From Linux 6.4 on vhost's are
 * threads of the partition process and stay where that one made them.
 */
#include "supervisor/run.h"

#include "lib/file.h"
#include "lib/util.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define PIT_PREFIX   "kvm-pit/"
#define VHOST_PREFIX "vhost-"

/* When a process was started, in clock ticks since boot [proc(5) /proc/pid/stat, field 22]; 0:
 * gone. */
static unsigned long long start_time(long pid)
{
	char path[64], line[1024];
	const char *at;
	unsigned long long ticks = 0;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if (file_read_line(path, line, sizeof(line)))
		return 0;
	/* The name, field 2, may have anything in it, but ends at the last parenthesis. */
	at = strrchr(line, ')');
	for (unsigned field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at)
		sscanf(at, "%llu", &ticks);
	return ticks;
}

/*
 * Whether the kernel thread PID with this name works for a child. Vhost names it after the process,
 * KVM does so as its pid namespace knows it: each isolated one is number 1 of its own. Of these,
 * any that is younger than the child is taken for its own; at worst that of another run comes to
 * our cores.
 */
static bool is_ours(const struct run *run, const char *name, long pid)
{
	bool pit = strncmp(name, PIT_PREFIX, strlen(PIT_PREFIX)) == 0;
	long owner;

	if (!pit && strncmp(name, VHOST_PREFIX, strlen(VHOST_PREFIX)) != 0)
		return false;
	owner = strtol(name + strlen(pit ? PIT_PREFIX : VHOST_PREFIX), NULL, 10);
	for (unsigned i = 0; owner > 0 && i < run->child_count; i++) {
		const struct child *child = &run->children[i];

		if (child->pid == owner || (pit && owner == 1 && child->pid > 0 &&
						   start_time(child->pid) <= start_time(pid)))
			return true;
	}
	return false;
}

/* 0 or the error of a thread that stays where it is. */
static int settle(struct run *run, const char *entry)
{
	char path[64], name[64];
	cpu_set_t cores;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", entry);
	if (file_read_line(path, name, sizeof(name)) || !is_ours(run, name, atol(entry)))
		return 0;
	cores_to_set(run->io_cores, &cores);
	if (!CPU_COUNT(&cores) || !sched_setaffinity(atoi(entry), sizeof(cores), &cores))
		return 0;
	return -errno;
}

static bool uses_vhost(const struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		const struct plan_partition *p = run->children[i].plan;

		for (unsigned k = 0; k < p->device_count; k++) {
			if (p->devices[k].type == PLAN_DEVICE_VSOCK ||
				p->devices[k].type == PLAN_DEVICE_NET)
				return true;
		}
	}
	return false;
}

void run_settle_kthreads(struct run *run)
{
	AUTO_CLOSEDIR DIR *proc = NULL;
	bool exclusive = false;
	struct dirent *e;
	int error = 0;

	for (unsigned i = 0; i < run->child_count; i++)
		exclusive = exclusive || !run->children[i].plan->cpus.shared;
	if (exclusive && (run->plan->arch == PLAN_ARCH_X86_64 || uses_vhost(run)))
		proc = opendir("/proc");
	while (proc && (e = readdir(proc))) {
		int ret = isdigit((unsigned char)e->d_name[0]) ? settle(run, e->d_name) : 0;

		error = ret ? ret : error;
	}
	if (error)
		run_say(run,
			"kernel threads of its partitions (kvm-pit, vhost) may run on any core: %s; "
			"give the supervisor CAP_SYS_NICE to have them kept on the housekeeping cores",
			strerror(-error));
}
