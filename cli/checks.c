/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/checks.h"

#include "lib/diag_json.h"
#include "lib/util.h"
#include "partition/partition.h"
#include "partition/probe.h"
#include "supervisor/supervisor.h"

/* ---- KVM ---- */

static void check_kvm(const struct plan *plan, struct diags *diags)
{
	AUTO_FREE struct host_kvm_report *kvm = calloc(1, sizeof(*kvm));

	if (!kvm || partition_probe(HOST_KVM_DEVICE, kvm) || !host_kvm_runs_partitions(kvm)) {
		diag_error(diags, NULL, NULL,
			"partitions cannot run on this host's KVM (%s); `bulkhead doctor` says why and "
			"what to do",
			HOST_KVM_DEVICE);
		return;
	}
	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *p = &plan->partitions[i];
		char field[PLAN_FIELD_MAX];

		partition_check_host(p, HOST_KVM_DEVICE, diags);
		if (p->contract == PLAN_FUSA && kvm->cpuid_changed)
			diag_note(diags, &p->locs[PLAN_KEY_CONTRACT],
				plan_field(p, "contract", field),
				"this host's KVM shows a guest other CPUID bits than it is told to: HTT, "
				"MCE and MCA may be 1 where fusa has 0");
	}
	if (kvm->kind == HOST_KVM_FULL)
		return;
	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *p = &plan->partitions[i];
		char field[PLAN_FIELD_MAX];

		if (partition_image_is_linux(p->image))
			diag_warning(diags, &p->locs[PLAN_KEY_IMAGE], plan_field(p, "image", field),
				"an unmodified kernel will not run on this host's KVM; `bulkhead doctor` "
				"names the instructions that it fails on");
	}
}

/* ---- architecture ---- */

/* `boot` takes the architecture from the image, which has no place in a file. */
static void check_arch(const struct plan *plan, struct diags *diags)
{
	enum plan_arch host = partition_host_arch();
	bool boot = !plan->arch_loc.file;

	if (plan->arch != host)
		diag_error(diags, &plan->arch_loc, boot ? NULL : "arch",
			"the %s is for %s, and this host's KVM runs %s guests; run it on an %s "
			"host",
			boot ? "image" : "plan", plan_arch_name(plan->arch), plan_arch_name(host),
			plan_arch_name(plan->arch));
}

/* ---- contracts ---- */

/* What KVM cannot give of a contract is said, never pretended (docs/contract-fusa.md). */
static void note_contracts(const struct plan *plan, struct diags *diags)
{
	for (unsigned i = 0; i < plan->partition_count; i++) {
		const struct plan_partition *p = &plan->partitions[i];
		char field[PLAN_FIELD_MAX];

		if (p->contract == PLAN_FUSA)
			diag_note(diags, &p->locs[PLAN_KEY_CONTRACT],
				plan_field(p, "contract", field),
				"fusa, as far as KVM goes: the local APIC causes exits, INIT reaches "
				"the boot vCPU, RDPMC may be #GP and VMCALL a hypercall instead of #UD, "
				"RDX after SIPI is the processor's signature, CR0.CD and NW, page sizes "
				"and memory types are the host's; docs/contract-fusa.md has the list");
	}
}

/* ---- all ---- */

enum bh_exit plan_check(const struct plan *plan, unsigned checks, struct diags *diags)
{
	unsigned before = diags->errors;
	bool plan_wrong;

	plan_check_consoles(plan, diags);
	if (checks & CHECK_FILES)
		plan_check_files(plan, diags);
	for (unsigned i = 0; checks & CHECK_IMAGES && i < plan->partition_count; i++)
		partition_check(&plan->partitions[i], diags);
	if (checks & CHECK_NOTES)
		note_contracts(plan, diags);
	plan_wrong = diags->errors > before;
	if (checks & CHECK_HOST) {
		check_arch(plan, diags);
		plan_check_host(plan, "", diags);
	}
	if (checks & CHECK_KVM && plan->arch == partition_host_arch()) {
		check_kvm(plan, diags);
		supervisor_check_programs(plan, diags);
	}
	if (plan_wrong)
		return BH_EXIT_USAGE;
	return diags->errors > before ? BH_EXIT_HOST : BH_EXIT_OK;
}

/* ---- JSON ---- */

void diags_print_json(const struct diags *diags, enum bh_exit code)
{
	json_t *o = json_pack("{s:b, s:i, s:o}", "ok", code == BH_EXIT_OK, "exit_code", (int)code,
		"diagnostics", diags_json(diags));

	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}
