/* SPDX-License-Identifier: BSD-3-Clause */
/* From arguments to a subcommand: look-up, help, usage errors, and what became of the output. */
#include "cli/commands.h"
#include "lib/suggest.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static const struct {
	enum bh_exit code;
	const char *meaning;
} exit_codes[] = {
	{BH_EXIT_OK, "Ended as wanted: power-off, or exit code 0."},
	{BH_EXIT_GUEST_FAILED,
		"A guest reported failure, or reset itself (on_reset); the summary says which."},
	{BH_EXIT_USAGE, "Wrong usage, or a plan that is not valid; nothing was started."},
	{BH_EXIT_HOST, "This host cannot do it; `bulkhead doctor` says why."},
	{BH_EXIT_DIED, "A partition died: triple fault, internal error or crash."},
	{BH_EXIT_SAFE_STATE, "The platform went to its safe state."},
	{BH_EXIT_TIMEOUT, "The time limit passed."},
	{BH_EXIT_INTERRUPTED, "Interrupted by the user."},
};

const char *exit_code_meaning(unsigned index, int *ret_code)
{
	if (index >= ARRAY_SIZE(exit_codes))
		return NULL;
	*ret_code = exit_codes[index].code;
	return exit_codes[index].meaning;
}

void exit_codes_print(FILE *f)
{
	char label[16];

	fputs("Exit codes:\n", f);
	for (size_t i = 0; i < ARRAY_SIZE(exit_codes); i++) {
		snprintf(label, sizeof(label), "%3d", (int)exit_codes[i].code);
		print_columns(f, label, 7, exit_codes[i].meaning);
	}
}

void command_print_help(const struct command *cmd, FILE *f)
{
	fprintf(f, "Usage: bulkhead %s%s%s\n\n%s\n", cmd->name, cmd->synopsis[0] ? " " : "",
		cmd->synopsis, cmd->summary);
	if (cmd->details) {
		fputc('\n', f);
		print_text(f, cmd->details);
	}
	fputs("\nOptions:\n", f);
	options_print(cmd->options, f);
	if (cmd->exit_codes) {
		fputc('\n', f);
		exit_codes_print(f);
	}
}

void commands_print_help(const struct command *const *commands, FILE *f)
{
	unsigned column = 0;

	for (const struct command *const *c = commands; *c; c++) {
		if (!(*c)->hidden)
			column = (unsigned)max_u64(column, strlen((*c)->name) + 4);
	}
	column = (unsigned)max_u64(column, strlen("--version") + 4);
	fputs("Usage: bulkhead COMMAND [OPTIONS]\n\n"
	      "Runs a fixed set of partitions on Linux KVM, each with its own cores, memory and\n"
	      "devices, as a static-partitioning hypervisor does on bare metal.\n\nCommands:\n",
		f);
	for (const struct command *const *c = commands; *c; c++) {
		if (!(*c)->hidden)
			print_columns(f, (*c)->name, column, (*c)->summary);
	}
	fputs("\nOptions:\n", f);
	print_columns(f, "--help", column,
		"Show this help; `bulkhead COMMAND --help` or `bulkhead help COMMAND` shows a "
		"command's.");
	print_columns(f, "--version", column, "Show the version.");
	fputc('\n', f);
	exit_codes_print(f);
}

int command_usage_error(const struct command *cmd, const char *fmt, ...)
{
	const char *space = cmd ? " " : "", *name = cmd ? cmd->name : "";
	va_list ap;

	fprintf(stderr, "bulkhead%s%s: ", space, name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nSee bulkhead%s%s --help\n", space, name);
	return BH_EXIT_USAGE;
}

const struct command *command_find(const struct command *const *commands, const char *name)
{
	for (; *commands; commands++) {
		if (strcmp((*commands)->name, name) == 0)
			return *commands;
	}
	return NULL;
}

static int unknown_command(const struct command *const *commands, const char *word)
{
	for (; *commands; commands++) {
		if (!(*commands)->hidden && name_is_close(word, (*commands)->name))
			return command_usage_error(NULL,
				"\"%s\" is not a command; did you mean bulkhead %s?", word,
				(*commands)->name);
	}
	if (word[0] == '-')
		return command_usage_error(
			NULL, "%s stands before a command; write bulkhead COMMAND %s", word, word);
	return command_usage_error(NULL, "\"%s\" is not a command; see the list of commands", word);
}

static int check_operands(const struct command *cmd, const struct option_result *parsed)
{
	const char *space = cmd->synopsis[0] ? " " : "";

	if (parsed->operand_count < cmd->operands_min)
		return command_usage_error(cmd, "an argument is missing; write bulkhead %s%s%s",
			cmd->name, space, cmd->synopsis);
	if (parsed->operand_count > cmd->operands_max)
		return command_usage_error(cmd,
			"\"%s\" is one argument too many; write bulkhead %s%s%s",
			parsed->operands[cmd->operands_max], cmd->name, space, cmd->synopsis);
	return BH_EXIT_OK;
}

int command_parse(const struct command *cmd, int argc, char **argv, void **ret_options,
	struct option_result *ret)
{
	int err;

	*ret = (struct option_result){0};
	*ret_options = calloc(1, cmd->options_size + 1);
	if (!*ret_options) {
		fputs("bulkhead: out of memory; free some and try again\n", stderr);
		return BH_EXIT_HOST;
	}
	err = options_parse(cmd->options, argc, argv, *ret_options, ret);
	/* Its options are not ours, whether we have such or not. */
	if (cmd->separated && ret->operand_count && !ret->ended && !ret->help)
		return command_usage_error(cmd,
			"%s is no option; write -- before the command: bulkhead %s [OPTIONS] -- %s ...",
			ret->operands[0], cmd->name, ret->operands[0]);
	if (err == -EINVAL)
		return command_usage_error(cmd, "%s", ret->error);
	if (err) {
		fprintf(stderr, "bulkhead %s: cannot read the options: %s\n", cmd->name,
			strerror(-err));
		return BH_EXIT_HOST;
	}
	return ret->help ? BH_EXIT_OK : check_operands(cmd, ret);
}

void command_forget(const struct command *cmd, void *options, struct option_result *parsed)
{
	free(parsed->error);
	if (options)
		options_fini(cmd->options, options);
	free(options);
}

static int command_start(const struct command *cmd, int argc, char **argv)
{
	struct option_result parsed;
	void *options;
	int ret = command_parse(cmd, argc, argv, &options, &parsed);

	if (!ret && parsed.help)
		command_print_help(cmd, stdout);
	else if (!ret)
		ret = cmd->run(options, parsed.operand_count, parsed.operands);
	command_forget(cmd, options, &parsed);
	return ret;
}

/*
 * Output that did not get to where it should is a failure, except when the reader went away: that
 * was its choice (`bulkhead doctor | head`), and the outcome is still the outcome.
 */
static int finish_output(int code)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (fflush(stdout) == 0 && !failed)
		return code;
	if (errno == EPIPE)
		return code;
	fprintf(stderr, "bulkhead: cannot write to standard output: %s; the output is incomplete\n",
		errno ? strerror(errno) : "an earlier write failed");
	return code ? code : BH_EXIT_HOST;
}

static int dispatch(const struct command *const *commands, int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const struct command *cmd;

	if (!word) {
		commands_print_help(commands, stderr);
		return BH_EXIT_USAGE;
	}
	if (strcmp(word, "--version") == 0)
		word = "version";
	cmd = command_find(commands, word);
	if (cmd)
		return command_start(cmd, argc - 2, argv + 2);
	if (strcmp(word, "help") != 0 && strcmp(word, "--help") != 0 && strcmp(word, "-h") != 0)
		return unknown_command(commands, word);
	if (argc == 2) {
		commands_print_help(commands, stdout);
		return BH_EXIT_OK;
	}
	cmd = command_find(commands, argv[2]);
	if (!cmd)
		return unknown_command(commands, argv[2]);
	command_print_help(cmd, stdout);
	return BH_EXIT_OK;
}

int commands_dispatch(const struct command *const *commands, int argc, char **argv)
{
	return finish_output(dispatch(commands, argc, argv));
}
