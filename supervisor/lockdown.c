/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/lockdown.h"

#include "lib/util.h"
#include "partition/probe.h"

#include <ctype.h>
#include <string.h>

/* More lines than there are kinds of gaps would come from a process that lies. */
#define GAP_LINES_MAX 16

void child_say_gaps(const struct child *child, const struct ipc_message *ready)
{
	AUTO_FREE char *text = strndup((const char *)ready->payload, ready->size);
	char *rest = text, *line;
	unsigned lines = 0;

	while (rest && (line = strsep(&rest, "\n")) != NULL && lines++ < GAP_LINES_MAX) {
		for (char *c = line; *c; c++) {
			if (!isprint((unsigned char)*c))
				*c = '?';
		}
		if (*line)
			run_say(child->run, "%s: NOT ISOLATED: %s", child->plan->name, line);
	}
}

/* ---- what KVM cannot do ---- */

static void describe_kvm(const struct host_kvm_report *kvm, FILE *f)
{
	const char *separator = "";

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
	else
		fprintf(f,
			"  This host's KVM runs every instruction that `bulkhead doctor` tries: the guest "
			"did\n  something that no real machine would go on from, or KVM has a defect.\n");
}

static void append_to_report(struct child *child, const struct host_kvm_report *kvm)
{
	AUTO_FREE char *before = child->report;
	size_t size;
	FILE *f = open_memstream(&child->report, &size);

	if (!f) {
		child->report = before;
		before = NULL;
		return;
	}
	fputs(before ?: "", f);
	describe_kvm(kvm, f);
	fclose(f);
}

void run_explain_kvm(struct run *run)
{
	AUTO_FREE struct host_kvm_report *kvm = calloc(1, sizeof(*kvm));
	bool probed = false;

	for (unsigned i = 0; kvm && i < run->child_count; i++) {
		struct child *child = &run->children[i];

		if (!child->has_result || child->result.end != PARTITION_FATAL)
			continue;
		if (!probed && partition_probe(HOST_KVM_DEVICE, kvm))
			return;
		probed = true;
		if (kvm->access == HOST_KVM_USABLE)
			append_to_report(child, kvm);
	}
}
