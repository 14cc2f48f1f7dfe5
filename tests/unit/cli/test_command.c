/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

struct greet_options {
	const char *name;
};

static const struct option_spec greet_specs[] = {
	{"name", "NAME", OPTION_STRING, offsetof(struct greet_options, name), "Whom to greet."},
	{0},
};

static int greet_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct greet_options *o = options;

	printf("%s %s\n", operand_count ? operands[0] : "hello", o->name ? o->name : "world");
	return BH_EXIT_GUEST_FAILED;
}

static const struct command greet = {
	.name = "greet",
	.synopsis = "[OPTIONS] [WORD]",
	.summary = "Greets.",
	.options = greet_specs,
	.options_size = sizeof(struct greet_options),
	.operands_max = 1,
	.exit_codes = true,
	.run = greet_run,
};

static const struct command secret = {
	.name = "secret",
	.synopsis = "PLAN",
	.summary = "Is not listed.",
	.operands_min = 1,
	.operands_max = 1,
	.hidden = true,
	.run = greet_run,
};

static const struct command inside = {
	.name = "inside",
	.synopsis = "[OPTIONS] -- COMMAND [ARGUMENTS]...",
	.summary = "Runs another.",
	.options = greet_specs,
	.options_size = sizeof(struct greet_options),
	.operands_min = 1,
	.operands_max = 9,
	.hidden = true,
	.separated = true,
	.run = greet_run,
};

static const struct command *const commands[] = {&greet, &secret, &inside, NULL};

struct output {
	int code;
	char out[8192];
	char err[8192];
};

static void slurp(FILE *f, char *buf, size_t size)
{
	rewind(f);
	buf[fread(buf, 1, size - 1, f)] = '\0';
	fclose(f);
}

/* Each test is a process of its own, so standard output and error may be bent. */
static void run_line(struct output *o, const char *text)
{
	AUTO_FREE char *line = strdup(text);
	char *argv[16] = {0}, *rest = line, *word;
	FILE *out = tmpfile(), *err = tmpfile();
	int argc = 0, keep_out, keep_err;

	while ((word = strsep(&rest, " ")))
		argv[argc++] = word;
	fflush(stdout);
	keep_out = dup(STDOUT_FILENO);
	keep_err = dup(STDERR_FILENO);
	dup2(fileno(out), STDOUT_FILENO);
	dup2(fileno(err), STDERR_FILENO);
	o->code = commands_dispatch(commands, argc, argv);
	dup2(keep_out, STDOUT_FILENO);
	dup2(keep_err, STDERR_FILENO);
	close(keep_out);
	close(keep_err);
	slurp(out, o->out, sizeof(o->out));
	slurp(err, o->err, sizeof(o->err));
}

START_TEST(runs)
{
	struct output o;

	run_line(&o, "bulkhead greet --name you hi");
	ck_assert_int_eq(o.code, BH_EXIT_GUEST_FAILED);
	ck_assert_str_eq(o.out, "hi you\n");
	ck_assert_str_eq(o.err, "");
	run_line(&o, "bulkhead inside --name you -- hi --name me");
	ck_assert_str_eq(o.out, "hi you\n");
}
END_TEST

START_TEST(usage_errors)
{
	static const struct {
		const char *line;
		const char *err;
	} cases[] = {
		{"bulkhead gret",
			"bulkhead: \"gret\" is not a command; did you mean bulkhead greet?\n"
			"See bulkhead --help\n"},
		{"bulkhead secre",
			"bulkhead: \"secre\" is not a command; see the list of commands\n"
			"See bulkhead --help\n"},
		{"bulkhead --name x",
			"bulkhead: --name stands before a command; write bulkhead COMMAND --name\n"
			"See bulkhead --help\n"},
		{"bulkhead greet a b",
			"bulkhead greet: \"b\" is one argument too many; write bulkhead greet "
			"[OPTIONS] [WORD]\nSee bulkhead greet --help\n"},
		{"bulkhead secret",
			"bulkhead secret: an argument is missing; write bulkhead secret PLAN\n"
			"See bulkhead secret --help\n"},
		{"bulkhead greet --nam x",
			"bulkhead greet: --nam is not an option; did you mean --name?\n"
			"See bulkhead greet --help\n"},
		{"bulkhead inside",
			"bulkhead inside: an argument is missing; write bulkhead inside [OPTIONS] "
			"-- COMMAND [ARGUMENTS]...\nSee bulkhead inside --help\n"},
		{"bulkhead inside greet hi",
			"bulkhead inside: greet is no option; write -- before the command: "
			"bulkhead inside [OPTIONS] -- greet ...\nSee bulkhead inside --help\n"},
		{"bulkhead inside --name x greet --junit y",
			"bulkhead inside: greet is no option; write -- before the command: "
			"bulkhead inside [OPTIONS] -- greet ...\nSee bulkhead inside --help\n"},
		{"bulkhead help gret",
			"bulkhead: \"gret\" is not a command; did you mean bulkhead greet?\n"
			"See bulkhead --help\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct output o;

		run_line(&o, cases[i].line);
		ck_assert_int_eq(o.code, BH_EXIT_USAGE);
		ck_assert_str_eq(o.err, cases[i].err);
		ck_assert_str_eq(o.out, "");
	}
}
END_TEST

START_TEST(help)
{
	struct output a, b;

	run_line(&a, "bulkhead greet --help");
	run_line(&b, "bulkhead help greet");
	ck_assert_int_eq(a.code, BH_EXIT_OK);
	ck_assert_str_eq(a.out, b.out);
	ck_assert_ptr_nonnull(strstr(a.out, "Usage: bulkhead greet [OPTIONS] [WORD]\n"));
	ck_assert_ptr_nonnull(strstr(a.out, "  --name NAME  Whom to greet.\n"));
	ck_assert_ptr_nonnull(strstr(a.out, "  124  The time limit passed.\n"));
	run_line(&a, "bulkhead help");
	run_line(&b, "bulkhead --help");
	ck_assert_int_eq(a.code, BH_EXIT_OK);
	ck_assert_str_eq(a.out, b.out);
	ck_assert_ptr_nonnull(strstr(a.out, "  greet      Greets.\n"));
	ck_assert_ptr_null(strstr(a.out, "secret"));
	ck_assert_ptr_nonnull(strstr(a.out, "  130  Interrupted"));
	run_line(&a, "bulkhead");
	ck_assert_int_eq(a.code, BH_EXIT_USAGE);
	ck_assert_str_eq(a.out, "");
	ck_assert_str_eq(a.err, b.out);
}
END_TEST

static int help_into(int fd)
{
	char *argv[] = {"bulkhead", "help", NULL};

	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	return commands_dispatch(commands, 2, argv);
}

START_TEST(full_disk)
{
	ck_assert_int_eq(help_into(open("/dev/full", O_WRONLY)), BH_EXIT_HOST);
}
END_TEST

START_TEST(reader_gone)
{
	int pipes[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe(pipes), 0);
	close(pipes[0]);
	ck_assert_int_eq(help_into(pipes[1]), BH_EXIT_OK);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("cli/command");
	TCase *t = tcase_create("command");

	tcase_add_test(t, runs);
	tcase_add_test(t, usage_errors);
	tcase_add_test(t, help);
	tcase_add_test(t, full_disk);
	tcase_add_test(t, reader_gone);
	suite_add_tcase(s, t);
	return s;
}
