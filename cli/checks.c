/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/checks.h"

#include "lib/diag_json.h"
#include "lib/util.h"
#include "partition/partition.h"
#include "partition/probe.h"

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

/* ---- all ---- */

enum bh_exit plan_check(const struct plan *plan, unsigned checks, struct diags *diags)
{
	unsigned before = diags->errors;
	bool plan_wrong;

	if (checks & CHECK_FILES)
		plan_check_files(plan, diags);
	for (unsigned i = 0; checks & CHECK_IMAGES && i < plan->partition_count; i++)
		partition_check(&plan->partitions[i], diags);
	plan_wrong = diags->errors > before;
	if (checks & CHECK_HOST)
		plan_check_host(plan, "", diags);
	if (checks & CHECK_KVM)
		check_kvm(plan, diags);
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
