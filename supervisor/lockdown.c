/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/lockdown.h"

#include "lib/sandbox.h"
#include "lib/util.h"
#include "partition/probe.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

/* ---- the supervisor's own ---- */

#define CAP(cap) ((uint64_t)1 << (cap))

/* What root's supervisor keeps, and hands on to those it starts. */
static const uint64_t kept_caps =
	/* Opens files of any owner: images, logs, devices, the control socket. */
	CAP(CAP_DAC_OVERRIDE) | CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_FOWNER) | CAP(CAP_CHOWN) |
	/* Ends partitions, which have another uid. */
	CAP(CAP_KILL) |
	/* Moves threads to their cores, real-time priority for the BSP. */
	CAP(CAP_SYS_NICE) |
	/* Partitions: namespaces, nobody's uid, no capabilities, locked memory. */
	CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT) | CAP(CAP_SETUID) | CAP(CAP_SETGID) |
	CAP(CAP_SETPCAP) | CAP(CAP_SYS_RESOURCE) | CAP(CAP_IPC_LOCK);

/* What virtiofsd has, to do for a guest what its root may do to files. It starts with its
 * partition, which may be again. */
static const uint64_t share_caps = CAP(CAP_FSETID) | CAP(CAP_MKNOD) | CAP(CAP_SETFCAP);

static bool shares_folders(const struct plan *plan)
{
	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *p = &plan->partitions[i];

		for (unsigned k = 0; k < p->device_count; k++) {
			if (p->devices[k].type == PLAN_DEVICE_FS && p->devices[k].fs.path)
				return true;
		}
	}
	return false;
}

static const struct sandbox_rule denied_calls[] = {
	/* Other processes' memory and descriptors. */
	SANDBOX_CALL("ptrace"),
	SANDBOX_CALL("process_vm_readv"),
	SANDBOX_CALL("process_vm_writev"),
	SANDBOX_CALL("pidfd_getfd"),
	SANDBOX_CALL("kcmp"),
	/* The kernel itself: its code, its replacement, its keys, what it does for others. */
	SANDBOX_CALL("init_module"),
	SANDBOX_CALL("finit_module"),
	SANDBOX_CALL("delete_module"),
	SANDBOX_CALL("kexec_load"),
	SANDBOX_CALL("kexec_file_load"),
	SANDBOX_CALL("bpf"),
	SANDBOX_CALL("perf_event_open"),
	SANDBOX_CALL("userfaultfd"),
	SANDBOX_CALL("add_key"),
	SANDBOX_CALL("request_key"),
	SANDBOX_CALL("keyctl"),
	/* The machine: power, clock, swap, accounting, raw ports. */
	SANDBOX_CALL("reboot"),
	SANDBOX_CALL("settimeofday"),
	SANDBOX_CALL("clock_settime"),
	SANDBOX_CALL("adjtimex"),
	SANDBOX_CALL("clock_adjtime"),
	SANDBOX_CALL("swapon"),
	SANDBOX_CALL("swapoff"),
	SANDBOX_CALL("acct"),
	SANDBOX_CALL("iopl"),
	SANDBOX_CALL("ioperm"),
	/* Files behind the back of their folders' permissions, others' namespaces. */
	SANDBOX_CALL("open_by_handle_at"),
	SANDBOX_CALL("setns"),
};

/* Says it, and adds a line to *GAPS. WHO: of whom, with a colon; or "". */
static void say_gap(struct run *run, char **gaps, const char *who, const char *gap)
{
	AUTO_FREE char *before = *gaps;

	run_say(run, "%sNOT ISOLATED: %s", who, gap);
	if (asprintf(gaps, "%s%s\n", before ? before : "", gap) < 0) {
		*gaps = before;
		before = NULL;
	}
}

int run_lock_down(struct run *run, struct diags *diags)
{
	struct sandbox_filter *filter = NULL;
	struct diags gaps;
	int ret;

	if (run->plan->lockdown == PLAN_LOCKDOWN_OFF)
		say_gap(run, &run->gaps, "",
			"the plan has lockdown: off; no process is locked down");
	if (run->plan->lockdown == PLAN_LOCKDOWN_OFF || run->plan->safe_state.command)
		return 0;
	diags_init(&gaps);
	sandbox_reduce(kept_caps | (shares_folders(run->plan) ? share_caps : 0), &gaps);
	ret = sandbox_filter_create(SANDBOX_DENY_LISTED, &filter);
	if (!ret)
		ret = sandbox_filter_add(filter, denied_calls, ARRAY_SIZE(denied_calls));
	sandbox_filter_finish(filter, ret, &gaps);
	ret = 0;
	for (unsigned i = 0; i < gaps.count; i++) {
		if (run->plan->lockdown == PLAN_LOCKDOWN_STRICT) {
			diag_error(diags, NULL, "lockdown",
				"strict, but the supervisor cannot be locked down: %s",
				gaps.items[i].text);
			ret = -EPERM;
		} else {
			say_gap(run, &run->gaps, "the supervisor: ", gaps.items[i].text);
		}
	}
	diags_fini(&gaps);
	return ret;
}

/* ---- what partitions say ---- */

/* More lines than there are kinds of gaps would come from a process that lies. */
#define GAP_LINES_MAX 16

void child_say_gaps(struct child *child, const struct ipc_message *ready)
{
	char who[64];
	AUTO_FREE char *text = strndup((const char *)ready->payload, ready->size);
	char *rest = text, *line;
	unsigned lines = 0;

	free(child->gaps);
	child->gaps = NULL;
	snprintf(who, sizeof(who), "%s: ", child->plan->name);
	while (rest && (line = strsep(&rest, "\n")) != NULL && lines++ < GAP_LINES_MAX) {
		for (char *c = line; *c; c++) {
			if (!isprint((unsigned char)*c))
				*c = '?';
		}
		if (*line)
			say_gap(child->run, &child->gaps, who, line);
	}
}

/* ---- what KVM cannot do ---- */

/* What KVM fails at, as text for a report; empty when that explains nothing. */
static char *describe_kvm(const struct host_kvm_report *kvm, uint32_t cause)
{
	const char *separator = "";
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (unsigned i = 0; i < kvm->instruction_count; i++) {
		if (!host_kvm_failed(&kvm->instructions[i]))
			continue;
		if (!*separator)
			fprintf(f,
				"  This host's KVM cannot run everything that a real processor can: tiny "
				"guests fail on\n  ");
		fprintf(f, "%s%s", separator, kvm->instructions[i].name);
		separator = ", ";
	}
	if (*separator)
		fprintf(f,
			".\n  Unmodified kernels cannot run here; `bulkhead doctor` says more.\n");
	else if (cause == BULKHEAD_END_INTERNAL_ERROR)
		fprintf(f,
			"  This host's KVM runs every instruction that `bulkhead doctor` tries: the guest "
			"did\n  something that no real machine would go on from, or KVM has a defect.\n");
	fclose(f);
	return text;
}

static void add_to_report(struct child *child, const char *text)
{
	AUTO_FREE char *before = child->report;

	run_say_lines(child->run, child->plan->name, text);
	if (asprintf(&child->report, "%s%s", before ? before : "", text) < 0) {
		child->report = before;
		before = NULL;
	}
}

static bool may_be_kvm(const struct child *child)
{
	return child->has_result && child->result.end == PARTITION_FATAL &&
	       (child->last_cause == BULKHEAD_END_TRIPLE_FAULT ||
		       child->last_cause == BULKHEAD_END_INTERNAL_ERROR ||
		       child->last_cause == BULKHEAD_END_FAIL_ENTRY);
}

void run_explain_kvm(struct run *run)
{
	AUTO_FREE struct host_kvm_report *kvm = calloc(1, sizeof(*kvm));
	bool probed = false;

	for (unsigned i = 0; kvm && i < run->child_count; i++) {
		struct child *child = &run->children[i];
		AUTO_FREE char *text = NULL;

		if (!may_be_kvm(child))
			continue;
		if (!probed && partition_probe(HOST_KVM_DEVICE, kvm))
			return;
		probed = true;
		if (kvm->access == HOST_KVM_USABLE)
			text = describe_kvm(kvm, child->last_cause);
		if (text)
			add_to_report(child, text);
	}
}
