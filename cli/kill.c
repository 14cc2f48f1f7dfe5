/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead kill: the end, at once. */
#include "cli/action.h"

static int kill_run(const void *options, unsigned operand_count, char *const *operands)
{
	static const struct action action = {
		.cmd = &command_kill,
		.method = "kill",
		.states = ",stopped,failed,",
		.done = "stopped",
		.whole_run = true,
	};

	return action_run(&action, options, operand_count ? operands[0] : NULL);
}

const struct command command_kill = {
	.name = "kill",
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Stop a partition, or a whole run, at once.",
	.details =
		"The process of the partition is killed; nobody is asked. Without NAME, all of the run is. "

	ACTION_NAME_HELP ACTION_EXIT_HELP,
	.options = action_specs,
	.options_size = sizeof(struct action_options),
	.operands_min = 0,
	.operands_max = 1,
	.run = kill_run,
};
