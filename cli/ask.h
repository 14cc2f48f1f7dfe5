/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands that ask a run about each of its partitions, or one of them, and show the answers. The
 * method of the control protocol is called as the command is.
 */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "cli/client.h"

struct ask_options {
	const char *run;
	bool json;
};

extern const struct option_spec ask_specs[];

struct ask {
	const struct command *command;
	bool running; /* of all of a run, those that have ended are left out */
	void (*print)(const json_t *answers);
};

/* What struct command's run does; OPTIONS is a struct ask_options. */
int ask_run(
	const struct ask *a, const void *options, unsigned operand_count, char *const *operands);

#endif
