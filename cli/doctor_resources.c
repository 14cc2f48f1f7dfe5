/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead doctor: what partitions take from the host: cores, memory, limits, I/O. */
#include "cli/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 256

/* How many numbers a kernel list such as "0-3,8" has; 0 for an empty or malformed one. */
static unsigned list_count(const char *list)
{
	unsigned count = 0;

	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list)
			return 0;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last - first > 65535 || (*end && *end != ','))
			return 0;
		count += (unsigned)(last - first + 1);
		list = *end ? end + 1 : end;
	}
	return count;
}

static void check_cores(const struct doctor_host *host, struct features *f)
{
	char online[TEXT_MAX], allowed[TEXT_MAX];
	unsigned count, usable;
	struct feature *it;

	host_read(host, "/sys/devices/system/cpu/online", online, sizeof(online));
	host_find_line(host, "/proc/self/status", "Cpus_allowed_list:", allowed, sizeof(allowed));
	count = list_count(online);
	usable = allowed[0] ? list_count(allowed) : count;
	it = feature_add(f, usable > 1 ? FEATURE_OK : FEATURE_WARNING, "cores",
		"each vCPU has a host core to itself, and one more core does everything else");
	feature_found(it, "%u online (%s), %u allowed for this process", count, online, usable);
	if (usable < count)
		feature_fix(
			it, "taskset or the cgroup's cpuset keeps this process from the others");
	else if (usable < 2)
		feature_fix(it, "use a machine with more cores");
}

/* A list of cores that the kernel command line may set apart; FIX is for when it is empty. */
static void check_core_list(
	struct features *f, const char *name, const char *list, const char *why, const char *fix)
{
	bool none = !list_count(list);
	struct feature *it = feature_add(f, none ? FEATURE_WARNING : FEATURE_OK, name, why);

	feature_found(it, "%s", none ? "none" : list);
	feature_fix(it, "%s", none ? fix : "");
}

static void check_isolation(const struct doctor_host *host, struct features *f)
{
	char isolated[TEXT_MAX], tickless[TEXT_MAX];
	host_read(host, "/sys/devices/system/cpu/isolated", isolated, sizeof(isolated));
	host_read(host, "/sys/devices/system/cpu/nohz_full", tickless, sizeof(tickless));
	if (strcmp(tickless, "(null)") == 0) /* how kernels before 6.x write an empty list */
		tickless[0] = '\0';
	check_core_list(f, "isolated cores", isolated,
		"on a core that other programs use too, a partition meets delays of milliseconds",
		"for timing, keep the partitions' cores free on the kernel command line: "
		"isolcpus=CORES");
	check_core_list(f, "tickless cores", tickless,
		"the scheduler's tick interrupts a vCPU up to a thousand times a second",
		"for timing, add nohz_full=CORES rcu_nocbs=CORES to the kernel command line");
}

static void check_smt(const struct doctor_host *host, struct features *f)
{
	char active[TEXT_MAX];
	bool on = host_read(host, "/sys/devices/system/cpu/smt/active", active, sizeof(active)) &&
		  strcmp(active, "1") == 0;
	struct feature *it = feature_add(f, on ? FEATURE_WARNING : FEATURE_OK, "hyper-threading",
		"two partitions on one physical core disturb, and may spy on, each other");

	feature_found(it, on ? "on" : "off");
	if (on)
		feature_fix(it, "give both threads of a core to one partition, or: "
				"echo off | sudo tee /sys/devices/system/cpu/smt/control");
}

static void check_hugepages(const struct doctor_host *host, struct features *f)
{
	static const struct {
		const char *name, *folder;
	} sizes[] = {
		{"2 MiB hugepages", "/sys/kernel/mm/hugepages/hugepages-2048kB"},
		{"1 GiB hugepages", "/sys/kernel/mm/hugepages/hugepages-1048576kB"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char path[TEXT_MAX], text[TEXT_MAX];
		struct feature *it;
		bool there;

		snprintf(path, sizeof(path), "%s/free_hugepages", sizes[i].folder);
		there = host_read(host, path, text, sizeof(text));
		it = feature_add(f, strtoul(text, NULL, 10) ? FEATURE_OK : FEATURE_WARNING,
			sizes[i].name,
			"faster and steadier memory, for partitions whose plan asks for it");
		feature_found(it, "%s free", there ? text : "not supported, 0");
		if (there && it->state != FEATURE_OK)
			feature_fix(it,
				"if a plan asks for them: echo COUNT | sudo tee "
				"%s/nr_hugepages",
				sizes[i].folder);
	}
}

#define MEMORY_ENOUGH (512 * MIB)

static void check_memory(const struct doctor_host *host, struct features *f)
{
	char text[TEXT_MAX];
	uint64_t bytes;
	struct feature *it;

	host_find_line(host, "/proc/meminfo", "MemAvailable:", text, sizeof(text));
	bytes = strtoull(text, NULL, 10) * KIB;
	it = feature_add(f, bytes >= MEMORY_ENOUGH ? FEATURE_OK : FEATURE_WARNING, "memory",
		"guest memory is never overcommitted: all of it must be there at the start");
	feature_found(it, "%" PRIu64 " MiB available", bytes / MIB);
	if (it->state != FEATURE_OK)
		feature_fix(it, "end other programs, or give the partitions less");
}

static void check_memlock(const struct doctor_host *host, struct features *f)
{
	enum { CAP_IPC_LOCK_BIT = 14 };
	char limit[TEXT_MAX], caps[TEXT_MAX];
	bool enough, privileged;
	struct feature *it;

	host_find_line(host, "/proc/self/limits", "Max locked memory", limit, sizeof(limit));
	host_find_line(host, "/proc/self/status", "CapEff:", caps, sizeof(caps));
	privileged = strtoull(caps, NULL, 16) >> CAP_IPC_LOCK_BIT & 1;
	limit[strcspn(limit, " ")] = '\0'; /* soft, hard, unit: the soft limit counts */
	enough = privileged || strcmp(limit, "unlimited") == 0 ||
		 strtoull(limit, NULL, 10) >= MEMORY_ENOUGH;
	it = feature_add(f, enough ? FEATURE_OK : FEATURE_WARNING, "locked memory",
		"memory of a partition that is not locked may be swapped out, and is then late");
	if (privileged)
		feature_found(it, "no limit for this process");
	else
		feature_found(
			it, "limit %s%s", limit, strcmp(limit, "unlimited") == 0 ? "" : " bytes");
	if (!enough)
		feature_fix(it,
			"echo '%s - memlock unlimited' | sudo tee "
			"/etc/security/limits.d/bulkhead.conf\nand log in again",
			host->user);
}

static void check_io_uring(const struct doctor_host *host, struct features *f)
{
	char disabled[TEXT_MAX];
	int error = host->io_uring_error;
	struct feature *it = feature_add(f, error ? FEATURE_WARNING : FEATURE_OK, "io_uring",
		"fewer system calls for consoles, disks and networks; without it they go through "
		"epoll");

	if (!error) {
		feature_found(it, "works");
		return;
	}
	host_read(host, "/proc/sys/kernel/io_uring_disabled", disabled, sizeof(disabled));
	if (strtoul(disabled, NULL, 10) > 0) {
		feature_found(it, "switched off by kernel.io_uring_disabled = %s", disabled);
		feature_fix(it, "sudo sysctl kernel.io_uring_disabled=0");
	} else if (error == ENOSYS) {
		feature_found(it, "not in this kernel, or hidden by a sandbox");
	} else {
		feature_found(it, "%s", strerror(error));
		if (error == EPERM)
			feature_fix(it, "a seccomp filter forbids it, most often a container's: "
					"start the container with one that allows io_uring");
	}
}

/* Devices of the host's kernel that work on virtio queues. */
static void check_vhost(const struct doctor_host *host, struct features *f)
{
	static const struct {
		const char *name, *path, *module, *why;
	} devices[] = {
		{"vhost-net", "/dev/vhost-net", "vhost_net",
			"without it each packet of a tap network goes through a process of ours"},
		{"vhost-vsock", "/dev/vhost-vsock", "vhost_vsock",
			"devices of the type vsock are not there without it"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		char path[TEXT_MAX];
		bool there = host_has(host, devices[i].path);
		struct feature *it;

		snprintf(path, sizeof(path), "%s%s", host->root, devices[i].path);
		if (there && access(path, R_OK | W_OK) == 0) {
			it = feature_add(f, FEATURE_OK, devices[i].name, devices[i].why);
			feature_found(it, "%s can be opened", devices[i].path);
			continue;
		}
		it = feature_add(f, FEATURE_WARNING, devices[i].name, devices[i].why);
		if (there) {
			feature_found(it, "%s: %s may not open it", devices[i].path, host->user);
			feature_fix(it,
				"join the group that may (ls -l %s), often kvm: sudo usermod -aG kvm %s\n"
				"and log in again",
				devices[i].path, host->user);
		} else {
			feature_found(it, "there is no %s", devices[i].path);
			feature_fix(it, "sudo modprobe %s; or in a container, pass the device in",
				devices[i].module);
		}
	}
}

void doctor_check_resources(const struct doctor_host *host, struct features *f)
{
	check_cores(host, f);
	check_isolation(host, f);
	check_smt(host, f);
	check_hugepages(host, f);
	check_memory(host, f);
	check_memlock(host, f);
	check_io_uring(host, f);
	check_vhost(host, f);
}
