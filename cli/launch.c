/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/launch.h"

static enum bh_exit check(const struct plan *plan, struct diags *diags)
{
	if (!plan || plan_check_files(plan, diags))
		return BH_EXIT_USAGE;
	return plan_check_host(plan, "", diags) ? BH_EXIT_HOST : BH_EXIT_OK;
}

int launch(struct plan *plan, const struct run_options *options, struct diags *diags)
{
	int code = check(plan, diags);

	diags_print(diags, stderr, "bulkhead: ");
	diags_fini(diags);
	if (code == BH_EXIT_OK)
		code = supervisor_run(plan, options);
	plan_destroy(plan);
	return code;
}
