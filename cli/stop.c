/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead stop: asks guests to end themselves, and sees to it that they do. */
#include "cli/action.h"

static int stop_run(const void *options, unsigned operand_count, char *const *operands)
{
	static const struct action action = {
		.cmd = &command_stop,
		.method = "stop",
		.states = ",stopped,failed,",
		.done = "stopped",
		.whole_run = true,
	};

	return action_run(&action, options, operand_count ? operands[0] : NULL);
}

const struct command command_stop = {
	.name = "stop",
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Stop a partition, or a whole run, gracefully.",
	.details =
		"The guest is asked through its power button and its control page to end itself, and "
		"stopped by force when the plan's stop_timeout is over. A safety partition with a veto "
		"may refuse. Without NAME, all of the run is stopped. Returns once it has stopped. "

	ACTION_NAME_HELP ACTION_EXIT_HELP,
	.options = action_specs,
	.options_size = sizeof(struct action_options),
	.operands_min = 0,
	.operands_max = 1,
	.run = stop_run,
};
