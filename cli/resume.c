/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead resume: a paused partition goes on. */
#include "cli/action.h"

static int resume_run(const void *options, unsigned operand_count, char *const *operands)
{
	static const struct action action = {
		.cmd = &command_resume,
		.method = "resume",
		.states = ",running,parked,",
		.done = "running",
	};

	return action_run(&action, options, operand_count ? operands[0] : NULL);
}

const struct command command_resume = {
	.name = "resume",
	.synopsis = "[OPTIONS] NAME",
	.summary = "Resume a partition that was paused.",
	.details = "The guest goes on where it was. "

	ACTION_NAME_HELP ACTION_EXIT_HELP,
	.options = action_specs,
	.options_size = sizeof(struct action_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = resume_run,
};
