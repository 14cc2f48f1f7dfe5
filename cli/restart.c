/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead restart: a partition from its start, in a run that goes on. */
#include "cli/action.h"

static int restart_run(const void *options, unsigned operand_count, char *const *operands)
{
	static const struct action action = {
		.cmd = &command_restart,
		.method = "restart",
		.states = ",running,",
		.done = "running",
		.restarts = true,
	};

	return action_run(&action, options, operand_count ? operands[0] : NULL);
}

const struct command command_restart = {
	.name = "restart",
	.synopsis = "[OPTIONS] NAME",
	.summary = "Restart a partition: stop it gracefully, then start it anew.",
	.details = "One that has ended already is started at once. The others go on. "

	ACTION_NAME_HELP ACTION_EXIT_HELP,
	.options = action_specs,
	.options_size = sizeof(struct action_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = restart_run,
};
