/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/launch.h"

#include "cli/checks.h"

#include <errno.h>
#include <fcntl.h>

/* While nothing else is open: a descriptor of our own could be taken for the inherited one later.
 */
static int check_eventfd(
	const struct plan *plan, const struct run_options *options, struct diags *diags)
{
	int fd = (int)plan->safe_state.eventfd;
	int flags = fd ? fcntl(fd, F_GETFL) : O_RDWR;

	if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && (!fd || fd != options->ready_fd))
		return 0;
	diag_error(diags, &plan->safe_state.eventfd_loc, "safe_state.eventfd",
		"this program has inherited no descriptor %d that it could write to; start it with "
		"an eventfd there, or remove this key",
		fd);
	return -EBADF;
}

int launch(struct plan *plan, const struct run_options *options, struct diags *diags)
{
	enum bh_exit code = BH_EXIT_USAGE;

	if (plan)
		code = plan_check(plan, CHECK_FILES | CHECK_HOST, diags);
	if (plan && options->log_dir && plan_check_log_dir(plan, options->log_dir, diags))
		code = BH_EXIT_USAGE;
	if (plan && check_eventfd(plan, options, diags))
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
