/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plan against a host: what /sys and /proc say of cores, siblings, memory and hugepages, and
 * what this process may use and lock. What a host does not tell (a container may hide it) is not
 * held against the plan.
 */
#include "lib/file.h"
#include "lib/size.h"
#include "plan/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#define CAP_IPC_LOCK_BIT 14 /* linux/capability.h */

struct host {
	const struct plan *plan;
	const char *root;
	bool real; /* ROOT is this very system */
	struct diags *diags;
	bool online_known;
	bool online[PLAN_CORES_MAX];
	char online_text[256];
	cpu_set_t *allowed; /* NULL: not known */
	/* Who uses a core: the partition that owns it, else the first that shares it, else NULL. */
	const struct plan_partition *users[PLAN_CORES_MAX];
	char field[PLAN_FIELD_MAX]; /* of the message being made */
};

static const char *part_field(struct host *h, const struct plan_partition *part, const char *key)
{
	return plan_field(part, key, h->field);
}

/* Reads ROOT/PATH into BUF; an empty string when there is none. */
PRINTF_LIKE(4, 5)
static bool host_read(const struct host *h, char *buf, size_t size, const char *fmt, ...)
{
	char path[PLAN_STRING_MAX + 1];
	int n = snprintf(path, sizeof(path), "%s", h->root);
	va_list ap;

	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < sizeof(path))
		n += vsnprintf(path + n, sizeof(path) - (size_t)n, fmt, ap);
	va_end(ap);
	buf[0] = '\0';
	return n >= 0 && (size_t)n < sizeof(path) && file_read_line(path, buf, size) == 0;
}

static bool host_read_u64(const struct host *h, uint64_t *ret_value, const char *path)
{
	char buf[64];

	return host_read(h, buf, sizeof(buf), "%s", path) && parse_u64(buf, ret_value) == 0;
}

/* ---- cores ---- */

static void learn_cores(struct host *h)
{
	const char *at = h->online_text;
	unsigned first, last;

	if (!host_read(h, h->online_text, sizeof(h->online_text), "/sys/devices/system/cpu/online"))
		return;
	h->online_known = true;
	while (corelist_next(&at, &first, &last) > 0)
		for (unsigned c = first; c <= last && c < PLAN_CORES_MAX; c++)
			h->online[c] = true;
	/* One pass for owners, one for sharers: an owner matters more. */
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < h->plan->partition_count; i++) {
			const struct plan_partition *part = &h->plan->partitions[i];

			if (part->cpus.shared != (pass == 1))
				continue;
			for (unsigned c = 0; c < part->cpus.core_count; c++)
				if (!h->users[part->cpus.cores[c]])
					h->users[part->cpus.cores[c]] = part;
		}
}

static void check_core(struct host *h, unsigned core, const struct diag_loc *loc, const char *field)
{
	char buf[8];

	if (!h->online_known)
		return;
	if (!h->online[core]) {
		if (host_read(h, buf, sizeof(buf), "/sys/devices/system/cpu/cpu%u/online", core))
			diag_error(h->diags, loc, field,
				"core %u is offline; choose one of %s, or run: "
				"echo 1 > /sys/devices/system/cpu/cpu%u/online",
				core, h->online_text, core);
		else
			diag_error(h->diags, loc, field,
				"this host has no core %u; choose one of %s", core, h->online_text);
		return;
	}
	if (h->allowed && !CPU_ISSET_S(core, CPU_ALLOC_SIZE(PLAN_CORES_MAX), h->allowed))
		diag_error(h->diags, loc, field,
			"this process may not use core %u (cpuset or taskset); choose another, or "
			"start it where the core is allowed",
			core);
}

/* CORE belongs to PART: who is on the other hyper-threads of the same physical core? */
static void check_siblings(struct host *h, const struct plan_partition *part, unsigned core)
{
	char list[256], where[LOC_TEXT_MAX];
	const char *at = list;
	unsigned first, last;

	if (!host_read(h, list, sizeof(list),
		    "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", core))
		return;
	part_field(h, part, "cpus");
	while (corelist_next(&at, &first, &last) > 0)
		for (unsigned s = first; s <= last && s < PLAN_CORES_MAX; s++) {
			const struct plan_partition *other = h->users[s];

			if (s == core || other == part || (h->online_known && !h->online[s]))
				continue;
			if (!other)
				diag_warning(h->diags, &part->locs[PLAN_KEY_CPUS], h->field,
					"core %u has a hyper-thread sibling, core %u, that the host "
					"may use; give it to partition %s too, or take it offline: "
					"echo 0 > /sys/devices/system/cpu/cpu%u/online",
					core, s, part->name, s);
			/* Of two owners the later one reports. */
			else if (other->cpus.shared || other < part)
				diag_error(h->diags, &part->locs[PLAN_KEY_CPUS], h->field,
					"core %u and core %u of partition %s (%s) are hyper-threads "
					"of one physical core; give both to one partition",
					core, s, other->name,
					loc_text(&other->locs[PLAN_KEY_CPUS], where));
		}
}

static void check_cores(struct host *h)
{
	const struct plan *plan = h->plan;
	bool listed = plan->housekeeping_count;

	for (unsigned i = 0; i < plan->partition_count; i++)
		listed = listed || plan->partitions[i].cpus.core_count;
	if (!listed)
		return;
	learn_cores(h);
	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *part = &plan->partitions[i];

		for (unsigned c = 0; c < part->cpus.core_count; c++) {
			check_core(h, part->cpus.cores[c], &part->locs[PLAN_KEY_CPUS],
				part_field(h, part, "cpus"));
			if (!part->cpus.shared)
				check_siblings(h, part, part->cpus.cores[c]);
		}
	}
	for (unsigned c = 0; c < plan->housekeeping_count; c++)
		check_core(h, plan->housekeeping[c], &plan->housekeeping_loc, "housekeeping");
}

/* ---- memory ---- */

/* Memory wanted in pages of kind KIND by all partitions; the largest wish is where to complain. */
static uint64_t wanted_memory(const struct plan *plan, enum plan_hugepages kind,
	const struct plan_partition **ret_largest)
{
	uint64_t sum = 0; /* 64 partitions of at most 240 GiB: no overflow */

	*ret_largest = NULL;
	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *part = &plan->partitions[i];

		if (part->hugepages != kind)
			continue;
		sum += part->memory;
		if (!*ret_largest || part->memory > (*ret_largest)->memory)
			*ret_largest = part;
	}
	return sum;
}

static void check_available(struct host *h)
{
	char text[4096], want_text[QUANTITY_MAX], have_text[QUANTITY_MAX];
	const struct plan_partition *largest;
	uint64_t want = wanted_memory(h->plan, PLAN_HUGEPAGES_NONE, &largest), have;
	struct sysinfo info;
	const char *line;

	/* What is free is available; most of the time it is plenty, and quicker to learn. */
	if (!want || (h->real && !sysinfo(&info) && want <= (uint64_t)info.freeram * info.mem_unit))
		return;
	host_read(h, text, sizeof(text), "/proc/meminfo");
	line = strstr(text, "MemAvailable:");
	if (!line)
		return;
	have = strtoull(line + strlen("MemAvailable:"), NULL, 10) * KIB;
	if (want <= have)
		return;
	diag_error(h->diags, &largest->locs[PLAN_KEY_MEMORY], part_field(h, largest, "memory"),
		"the partitions want %s in all, but this host has %s available; give them less, or "
		"free memory",
		format_size(align_up(want, MIB), want_text),
		format_size(align_down(have, MIB), have_text));
}

static void check_hugepages(struct host *h, enum plan_hugepages kind)
{
	uint64_t page = kind == PLAN_HUGEPAGES_2M ? 2 * MIB : GIB;
	const char *name = hugepages_names[kind];
	const struct plan_partition *largest;
	uint64_t want = wanted_memory(h->plan, kind, &largest) / page, have, total = 0;
	char dir[80], file[128];

	if (!want)
		return;
	snprintf(dir, sizeof(dir), "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB", page / KIB);
	snprintf(file, sizeof(file), "%s/free_hugepages", dir);
	part_field(h, largest, "memory.hugepages");
	if (!host_read_u64(h, &have, file)) {
		diag_error(h->diags, &largest->locs[PLAN_KEY_MEMORY], h->field,
			"this host has no hugepages of %s; choose another size, or none", name);
		return;
	}
	snprintf(file, sizeof(file), "%s/nr_hugepages", dir);
	host_read_u64(h, &total, file);
	if (want > have)
		diag_error(h->diags, &largest->locs[PLAN_KEY_MEMORY], h->field,
			"the partitions want %" PRIu64 " hugepages of %s, but %" PRIu64
			" are free; run: echo %" PRIu64 " > %s",
			want, name, have, total + want - have, file);
}

/* True when mlock has no limit for this process. */
static bool may_lock_all(void)
{
	char text[4096];
	const char *line;

	if (file_read_line("/proc/self/status", text, sizeof(text)))
		return false;
	line = strstr(text, "CapEff:");
	return line && strtoull(line + strlen("CapEff:"), NULL, 16) >> CAP_IPC_LOCK_BIT & 1;
}

static void check_lock_limit(struct host *h)
{
	char size[QUANTITY_MAX], limit_text[QUANTITY_MAX];
	struct rlimit limit;

	if (!h->real || getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return;
	for (unsigned i = 0; i < h->plan->partition_count; i++) {
		const struct plan_partition *part = &h->plan->partitions[i];

		/* The pages of hugetlbfs are never swapped, locked or not. */
		if (!part->lock || part->hugepages || part->memory <= limit.rlim_cur)
			continue;
		if (may_lock_all())
			return;
		diag_error(h->diags, &part->locs[PLAN_KEY_MEMORY], part_field(h, part, "memory"),
			"%s are to be locked, but this process may lock %s; run: ulimit -l unlimited "
			"(as root), or say lock: false",
			format_size(part->memory, size), format_size(limit.rlim_cur, limit_text));
	}
}

int plan_check_host(const struct plan *plan, const char *root, struct diags *diags)
{
	struct host h = {.plan = plan, .root = root, .real = !*root, .diags = diags};
	unsigned errors = diags->errors;

	if (h.real) {
		h.allowed = CPU_ALLOC(PLAN_CORES_MAX);
		if (h.allowed && sched_getaffinity(0, CPU_ALLOC_SIZE(PLAN_CORES_MAX), h.allowed)) {
			CPU_FREE(h.allowed);
			h.allowed = NULL;
		}
	}
	check_cores(&h);
	check_available(&h);
	check_hugepages(&h, PLAN_HUGEPAGES_2M);
	check_hugepages(&h, PLAN_HUGEPAGES_1G);
	check_lock_limit(&h);
	CPU_FREE(h.allowed);
	return diags->errors > errors ? -EINVAL : 0;
}
