/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The subcommands. Each is one file with one const struct command and its option table; cli/main.c
 * lists them. Parsing, --help, usage errors and the state of standard output are dealt with here,
 * so a command's run() only sees correct options and a right number of operands.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/options.h"
#include "lib/exitcode.h"
#include "lib/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct rig_job;

struct command {
	const char *name;
	const char *synopsis; /* what follows the name: "[OPTIONS] PLAN" */
	const char *summary;  /* one line, for the list of commands */
	const char *details;  /* paragraphs for its own --help; NULL: only the summary */
	const struct option_spec *options;
	size_t options_size; /* bytes of the struct that the options' offsets refer to */
	unsigned operands_min;
	unsigned operands_max;
	bool hidden;     /* not listed in the main help */
	bool exit_codes; /* its --help lists the exit codes */
	bool separated;  /* "--" has to stand before its operands: they are another command */
	/*
	 * OPTIONS is the command's options struct, zeroed before parsing. The result is an enum
	 * bh_exit. Diagnostics go to stderr, results to stdout, which need not be flushed or
	 * checked.
	 */
	int (*run)(const void *options, unsigned operand_count, char *const *operands);
	/*
	 * For the rig: tells JOB what run() would read, write and take. BH_EXIT_OK, or what run()
	 * would end with; problems are in the job's diagnostics, too. NULL: it has no use for that.
	 */
	int (*gather)(const void *options, unsigned operand_count, char *const *operands,
		struct rig_job *job);
};

extern const struct command command_boot;
extern const struct command command_check;
extern const struct command command_console;
extern const struct command command_doctor;
extern const struct command command_events;
extern const struct command command_inspect;
extern const struct command command_kill;
extern const struct command command_list;
extern const struct command command_pause;
extern const struct command command_print_docs;
extern const struct command command_report;
extern const struct command command_restart;
extern const struct command command_resume;
extern const struct command command_rig;
extern const struct command command_rig_init;
extern const struct command command_run;
extern const struct command command_stats;
extern const struct command command_dump;
extern const struct command command_stop;
extern const struct command command_test;
extern const struct command command_version;

/* All of them, in the order of the help; NULL at the end. In cli/main.c. */
extern const struct command *const cli_commands[];

/*
 * Prints "bulkhead NAME: cause; remedy" and where to find help to stderr; BH_EXIT_USAGE, so that a
 * run() can return it. CMD is NULL for the program itself.
 */
int command_usage_error(const struct command *cmd, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The one of COMMANDS (NULL-terminated) with that name; NULL: none. */
const struct command *command_find(const struct command *const *commands, const char *name);

/*
 * Reads the arguments of CMD into *RET_OPTIONS and *RET, which command_forget frees whatever comes
 * of it. BH_EXIT_OK; with RET->help, the help is all that is asked for. Else the reason was
 * printed.
 */
int command_parse(const struct command *cmd, int argc, char **argv, void **ret_options,
	struct option_result *ret);
void command_forget(const struct command *cmd, void *options, struct option_result *parsed);

/* Runs what ARGV asks for, of the COMMANDS (NULL-terminated). An enum bh_exit. */
int commands_dispatch(const struct command *const *commands, int argc, char **argv);

/*
 * Help as text: the program's, and a command's; and the exit codes alone. For --help and for the
 * generated manual pages.
 */
void commands_print_help(const struct command *const *commands, FILE *f);
void command_print_help(const struct command *cmd, FILE *f);
void exit_codes_print(FILE *f);

/* The meaning of exit code number INDEX, counted from 0, and the code; NULL past the last. */
const char *exit_code_meaning(unsigned index, int *ret_code);

#endif
