/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead pause: a partition whose guest does not run for a while. */
#include "cli/action.h"

static int pause_run(const void *options, unsigned operand_count, char *const *operands)
{
	static const struct action action = {
		.cmd = &command_pause,
		.method = "pause",
		.states = ",paused,",
		.done = "paused",
	};

	return action_run(&action, options, operand_count ? operands[0] : NULL);
}

const struct command command_pause = {
	.name = "pause",
	.synopsis = "[OPTIONS] NAME",
	.summary = "Pause a partition: its vCPUs leave the guest.",
	.details = "Its memory and devices stay as they are; its watchdog does not count. "

	ACTION_NAME_HELP ACTION_EXIT_HELP,
	.options = action_specs,
	.options_size = sizeof(struct action_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = pause_run,
};
