/* SPDX-License-Identifier: BSD-3-Clause */
/* What `stop`, `kill`, `pause`, `resume` and `restart` have in common: they ask, then wait for it.
 */
#ifndef CLI_ACTION_H
#define CLI_ACTION_H

#include "cli/commands.h"

struct action_options {
	const char *run;
	bool json;
};

/* The options of all of them. */
extern const struct option_spec action_specs[];

struct action {
	const struct command *cmd;
	const char *method; /* of the control protocol */
	const char *states; /* of the partition afterwards, between commas: ",stopped,failed," */
	const char *done;   /* in words, for a whole run */
	bool restarts;      /* done only once the partition has been started again */
	bool whole_run;     /* without a partition it is for the run */
};

/* Does it to NAME (NULL: the run). An enum bh_exit. */
int action_run(const struct action *a, const struct action_options *o, const char *name);

/* For their --help. */
#define ACTION_NAME_HELP                                                                           \
	"NAME is a partition's, or RUN/PARTITION where several runs have one of that name."

#define ACTION_EXIT_HELP                                                                            \
	"\nExit code 1 when it was refused, which the message explains: the partition is not in a " \
	"state for it, or the safety partition has locked the run; 2 when there is no such "        \
	"partition, or several; 3 when the supervisor cannot be reached."

#endif
