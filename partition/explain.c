/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/explain.h"

#include "lib/util.h"
#include "vmm/probe.h"

#include <errno.h>
#include <string.h>

static const char *host_remedy(int error)
{
	if (error == EINVAL || error == EPERM || error == EACCES)
		return "see whether the cores in the plan are online and allowed for this process "
		       "(taskset, cgroup cpuset), and what `bulkhead doctor` says";
	return diag_remedy(error) ?: "see what `bulkhead doctor` says about this host";
}

void explain_host_error(
	const struct plan_partition *p, const char *what, int error, struct diags *diags)
{
	diag_error(diags, &p->locs[PLAN_KEY_PARTITION], p->name,
		"this host cannot run it: %s: %s; %s", what, strerror(-error), host_remedy(-error));
}

/*
 * Says what this KVM is known to be unable to do. After an internal error that is the likely cause,
 * and not finding anything is worth saying, too.
 */
static void explain_kvm(const struct vm_end *end, int kvm_fd, FILE *f)
{
	AUTO_FREE struct kvm_probe_report *report = calloc(1, sizeof(*report));
	const char *separator = "";

	if (!report || kvm_probe(kvm_fd, report))
		return;
	for (unsigned i = 0; i < report->case_count; i++) {
		if (report->cases[i].outcome != KVM_PROBE_EXIT)
			continue;
		if (!*separator)
			fprintf(f,
				"  This host's KVM cannot run everything that a real processor can: tiny "
				"guests fail on\n  ");
		fprintf(f, "%s%s", separator, report->cases[i].name);
		separator = ", ";
	}
	if (*separator)
		fprintf(f,
			".\n  Unmodified kernels cannot run here; `bulkhead doctor` says more.\n");
	else if (end->kind == END_INTERNAL_ERROR)
		fprintf(f,
			"  This host's KVM runs every instruction that `bulkhead doctor` tries: the guest "
			"did\n  something that no real machine would go on from, or KVM has a defect.\n");
}

void explain_end(const struct vm_end *end, int kvm_fd, char *text, size_t size)
{
	FILE *f = fmemopen(text, size, "w");

	text[0] = '\0';
	if (!f)
		return;
	fputs(end->report, f);
	if (end->kind == END_INTERNAL_ERROR || end->kind == END_TRIPLE_FAULT ||
		end->kind == END_FAIL_ENTRY)
		explain_kvm(end, kvm_fd, f);
	fclose(f);
	text[size - 1] = '\0';
}
