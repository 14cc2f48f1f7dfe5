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
