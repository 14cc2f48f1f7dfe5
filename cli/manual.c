/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/manual.h"

#include "cli/commands.h"

/* Prints TEXT with what roff would take for its own made harmless. */
static void print_roff(FILE *f, const char *text)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", f);
		if (*text == '\\')
			fputs("\\e", f);
		else if (*text == '-')
			fputs("\\-", f);
		else
			fputc(*text, f);
		line_start = *text == '\n';
	}
}

static void print_option(FILE *f, const struct option_spec *o)
{
	fputs(".TP\n.B \\-\\-", f);
	print_roff(f, o->name);
	if (o->arg) {
		fputs(o->kind == OPTION_OPTIONALS ? "[=\\fI" : " \\fI", f);
		print_roff(f, o->arg);
		fputs(o->kind == OPTION_OPTIONALS ? "\\fR]" : "\\fR", f);
	}
	fputc('\n', f);
	print_roff(f, o->help);
	fputc('\n', f);
}

static void print_command(FILE *f, const struct command *c)
{
	fputs(".SS bulkhead ", f);
	print_roff(f, c->name);
	fputc(' ', f);
	print_roff(f, c->synopsis);
	fputc('\n', f);
	print_roff(f, c->summary);
	fputc('\n', f);
	if (c->details) {
		fputs(".PP\n", f);
		print_roff(f, c->details);
		fputc('\n', f);
	}
	for (const struct option_spec *o = c->options; o->name; o++)
		print_option(f, o);
}

static void print_exit_codes(FILE *f)
{
	const char *meaning;
	int code;

	fputs(".SH EXIT STATUS\nThe same for every partition and every architecture. When several "
	      "apply, the gravest counts: 3 and 2 (nothing was started), then 5, 4, 130, 124, 1, 0.\n",
		f);
	for (unsigned i = 0; (meaning = exit_code_meaning(i, &code)) != NULL; i++) {
		fprintf(f, ".TP\n.B %d\n", code);
		print_roff(f, meaning);
		fputc('\n', f);
	}
}

static void print_environment(FILE *f)
{
	static const struct {
		const char *name, *meaning;
	} variables[] = {
		{"BULKHEAD_CACHE",
			"The folder where `bulkhead rig` keeps the kernels that it has downloaded. "
			"Default: $XDG_CACHE_HOME/bulkhead, else $HOME/.cache/bulkhead."},
		{"BULKHEAD_RIG",
			"Set by `bulkhead rig` for the command inside: how it was started. Reports "
			"of `bulkhead test` then mark their times as emulated, and repeat.sh "
			"starts the emulated machine again."},
		{"GITHUB_ACTIONS",
			"true: `bulkhead test` prints failures as annotations of GitHub Actions."},
		{"GITHUB_STEP_SUMMARY",
			"With GITHUB_ACTIONS=true: the file that `bulkhead test` adds a table of "
			"what did not pass to."},
		{"HOME, XDG_CACHE_HOME", "Where the default of BULKHEAD_CACHE is."},
		{"NO_COLOR", "Set: console prefixes have no colours."},
		{"NOTIFY_SOCKET",
			"Set by systemd for services of Type=notify: it is told when all partitions "
			"run [sd_notify(3)]."},
		{"PATH", "Where helpers are looked for: passt, virtiofsd; of `bulkhead rig` QEMU, "
			 "apt and what unpacks modules."},
		{"XDG_RUNTIME_DIR",
			"The folder of the control sockets' folder, see FILES. Without it, only "
			"root's runs have control sockets."},
	};

	fputs(".SH ENVIRONMENT\n", f);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		fprintf(f, ".TP\n.B %s\n", variables[i].name);
		print_roff(f, variables[i].meaning);
		fputc('\n', f);
	}
	fputs(".PP\n`bulkhead rig` hands these to the command inside, where they are set: TERM, "
	      "COLORTERM, NO_COLOR, LANG, TZ, GITHUB_ACTIONS, GITHUB_STEP_SUMMARY, SOURCE_DATE_EPOCH.\n",
		f);
}

void manual_print(FILE *f)
{
	fputs(".\\\" SPDX-License-Identifier: BSD-3-Clause\n"
	      ".\\\" Made by `make generate` from the program's own tables.\n"
	      ".TH BULKHEAD 1 \"\" Bulkhead \"User Commands\"\n"
	      ".SH NAME\nbulkhead \\- partitioning virtual machine monitor\n"
	      ".SH SYNOPSIS\n.B bulkhead\n.I COMMAND\n.RI [ OPTIONS ]\n"
	      ".SH DESCRIPTION\nRuns a fixed set of partitions on Linux KVM, each with its own cores, "
	      "memory and devices, as a static\\-partitioning hypervisor does on bare metal.\n"
	      "A plan, a YAML file, describes all partitions of a run; docs/plan\\-reference.md "
	      "lists its keys.\n"
	      ".SH COMMANDS\n",
		f);
	for (const struct command *const *c = cli_commands; *c; c++) {
		if (!(*c)->hidden)
			print_command(f, *c);
	}
	print_exit_codes(f);
	fputs(".SH FILES\n.TP\n.I /dev/kvm\nThe host's hypervisor; "
	      "\\fBbulkhead doctor\\fR says what it can do.\n"
	      ".TP\n.I $XDG_RUNTIME_DIR/bulkhead/NAME.sock\nThe control socket of run NAME; of "
	      "root's runs, without that variable, in /run/bulkhead. docs/control\\-protocol.md "
	      "says what it speaks.\n",
		f);
	print_environment(f);
}
