/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel threads that KVM makes for a VM. They are no threads of the partition process, start out
 * on any core, and do work at a rate that the guest chooses (the PIT's): left alone, one
 * partition's would run on another's core.
 */
#include "supervisor/run.h"

#include "lib/file.h"
#include "lib/util.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define PIT_PREFIX "kvm-pit/"

/* The child whose VM the kernel thread with this name belongs to, or NULL. */
static const struct child *kthread_owner(const struct run *run, const char *name)
{
	long pid;

	if (strncmp(name, PIT_PREFIX, strlen(PIT_PREFIX)) != 0)
		return NULL;
	pid = strtol(name + strlen(PIT_PREFIX), NULL, 10);
	for (unsigned i = 0; i < run->child_count; i++) {
		if (pid > 0 && run->children[i].pid == pid)
			return &run->children[i];
	}
	return NULL;
}

static void settle(struct run *run, const char *entry)
{
	char path[64], name[64];
	const struct child *owner;
	cpu_set_t cores;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", entry);
	if (file_read_line(path, name, sizeof(name)))
		return;
	owner = kthread_owner(run, name);
	if (!owner)
		return;
	cores_to_set(run->io_cores, &cores);
	if (CPU_COUNT(&cores) && sched_setaffinity(atoi(entry), sizeof(cores), &cores))
		run_say(run,
			"%s: KVM's timer thread (%s) may run on any core: %s; give the supervisor "
			"CAP_SYS_NICE to have it kept on the housekeeping cores",
			owner->plan->name, name, strerror(errno));
}

void run_settle_kthreads(struct run *run)
{
	AUTO_CLOSEDIR DIR *proc = NULL;
	bool exclusive = false;
	struct dirent *e;

	for (unsigned i = 0; i < run->child_count; i++)
		exclusive = exclusive || !run->children[i].plan->cpus.shared;
	if (exclusive)
		proc = opendir("/proc");
	while (proc && (e = readdir(proc))) {
		if (isdigit((unsigned char)e->d_name[0]))
			settle(run, e->d_name);
	}
}
