/* SPDX-License-Identifier: BSD-3-Clause */
/* What `run` and `boot` do once they have a plan. */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include "cli/commands.h"
#include "plan/plan.h"
#include "supervisor/supervisor.h"

/*
 * Starts the first partition's process, which loads while the plan is read. SET are the --set
 * options: of what they say, only the lock-down matters now. None when it cannot be started: launch
 * tries again, and says why not. Given to launch in its options, or to process_end.
 */
void launch_ahead(const struct option_strings *set, struct partition_process *ret_spare);

/* What both say of --silence, of kind OPTION_STRING. */
#define SILENCE_OPTION_HELP                                                                         \
	"Whenever a partition has said nothing for TIME (such as 10s), tell what its vCPUs are at " \
	"and what may be wrong; \"off\": never. Default: only before its first output, after 5s."

/* Puts TEXT (NULL: not given), the option's value, into RET_RUN. BH_EXIT_OK, or a usage error. */
int take_silence(const struct command *cmd, const char *text, struct run_options *ret_run);

/*
 * Holds PLAN against its files and this host, then runs it. Prints what DIAGS holds, and the
 * reasons why it does not start, to stderr. PLAN may be NULL: it could not be loaded. Destroys
 * both, and the spare process if it was not used. An enum bh_exit.
 */
int launch(struct plan *plan, const struct run_options *options, struct diags *diags);

#endif
