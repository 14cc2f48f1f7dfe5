/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/launch.h"

#include "cli/checks.h"

int launch(struct plan *plan, const struct run_options *options, struct diags *diags)
{
	enum bh_exit code = BH_EXIT_USAGE;

	if (plan)
		code = plan_check(plan, CHECK_FILES | CHECK_HOST, diags);
	if (plan && options->log_dir && plan_check_log_dir(plan, options->log_dir, diags))
		code = BH_EXIT_USAGE;
	if (code != BH_EXIT_OK && options->json)
		diags_print_json(diags, code);
	else
		diags_print(diags, stderr, "bulkhead: ");
	diags_fini(diags);
	if (code == BH_EXIT_OK)
		code = (enum bh_exit)supervisor_run(plan, options);
	plan_destroy(plan);
	return code;
}
