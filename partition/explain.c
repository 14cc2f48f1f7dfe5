/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/explain.h"

#include "lib/util.h"
#include "vmm/probe.h"

#include <errno.h>
#include <string.h>

static const char *host_remedy(int error)
{
	switch (-error) {
	case ENOMEM:
		return "free some memory, or give the partitions less";
	case EMFILE:
	case ENFILE:
		return "raise the limit of open files (ulimit -n)";
	case EINVAL:
	case EPERM:
	case EACCES:
		return "see whether the cores in the plan are online and allowed for this process "
		       "(taskset, cgroup cpuset), and what `bulkhead doctor` says";
	default:
		return "see what `bulkhead doctor` says about this host";
	}
}

void explain_host_error(
	const struct plan_partition *p, const char *what, int error, struct diags *diags)
{
	diag_error(diags, &p->locs[PLAN_KEY_PARTITION], p->name,
		"this host cannot run it: %s: %s; %s", what, strerror(-error), host_remedy(error));
}

/* Names the instructions that this KVM fails on, if any. */
static void explain_kvm(int kvm_fd, FILE *f)
{
	AUTO_FREE struct kvm_probe_report *report = calloc(1, sizeof(*report));
	const char *separator = "";

	if (!report || kvm_probe(kvm_fd, report))
		return;
	for (unsigned i = 0; i < report->case_count; i++) {
		if (!kvm_probe_is_emulation_failure(&report->cases[i]))
			continue;
		if (!*separator)
			fprintf(f,
				"  This host's KVM is software-based: guest kernel code runs in an instruction "
				"emulator,\n  which fails on ");
		fprintf(f, "%s%s", separator, report->cases[i].name);
		separator = ", ";
	}
	if (*separator)
		fprintf(f,
			".\n  Unmodified kernels cannot run here; `bulkhead doctor` says more.\n");
	else
		fprintf(f,
			"  This host's KVM runs every instruction that `bulkhead doctor` tries: the guest "
			"did\n  something that no real machine would go on from, or KVM has a defect.\n");
}

const char *explain_end(const struct vm_end *end, int kvm_fd)
{
	static char text[VM_REPORT_MAX + 1024];
	FILE *f = fmemopen(text, sizeof(text), "w");

	if (!f)
		return end->report;
	fputs(end->report, f);
	if (end->kind == END_INTERNAL_ERROR)
		explain_kvm(kvm_fd, f);
	fclose(f);
	return text;
}
