/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/options.h"
#include "lib/util.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

struct values {
	bool json;
	const char *console;
	struct option_strings set;
	uint64_t memory;
	uint64_t timeout;
	unsigned cpus;
};

#define FIELD(f) offsetof(struct values, f)

static const struct option_spec specs[] = {
	{"json", NULL, OPTION_FLAG, FIELD(json), "Print JSON."},
	{"console", "NAME", OPTION_STRING, FIELD(console), "Show the console of NAME."},
	{"set", "KEY=VALUE", OPTION_STRINGS, FIELD(set), "Override a key."},
	{"memory", "SIZE", OPTION_SIZE, FIELD(memory), "Memory."},
	{"timeout", "TIME", OPTION_DURATION, FIELD(timeout), "Time limit."},
	{"cpus", "N", OPTION_UNSIGNED, FIELD(cpus), "vCPUs."},
	{0},
};

#define ARGS_MAX 16

struct parse {
	struct values values;
	struct option_result result;
	char *argv[ARGS_MAX];
	int ret;
};

/* Parses the words of LINE, separated by single blanks. */
static void parse_line(struct parse *p, char *line)
{
	int argc = 0;
	char *word;

	memset(p, 0, sizeof(*p));
	while ((word = strsep(&line, " ")) && argc < ARGS_MAX - 1)
		p->argv[argc++] = word;
	p->ret = options_parse(specs, argc, p->argv, &p->values, &p->result);
}

static void parse_done(struct parse *p)
{
	free(p->result.error);
	options_fini(specs, &p->values);
}

START_TEST(every_kind)
{
	char line[] = "--json plan.yaml --console=linux --set a=1 --memory 1G --set=b=-- --timeout "
		      "1500ms --cpus 4 -";
	struct parse p;

	parse_line(&p, line);
	ck_assert_int_eq(p.ret, 0);
	ck_assert(p.values.json);
	ck_assert_str_eq(p.values.console, "linux");
	ck_assert_uint_eq(p.values.set.count, 2);
	ck_assert_str_eq(p.values.set.items[0], "a=1");
	ck_assert_str_eq(p.values.set.items[1], "b=--");
	ck_assert_uint_eq(p.values.memory, GIB);
	ck_assert_uint_eq(p.values.timeout, 1500000000);
	ck_assert_uint_eq(p.values.cpus, 4);
	ck_assert_uint_eq(p.result.operand_count, 2);
	ck_assert_str_eq(p.result.operands[0], "plan.yaml");
	ck_assert_str_eq(p.result.operands[1], "-");
	parse_done(&p);
}
END_TEST

START_TEST(double_dash_ends_options)
{
	char line[] = "a -- --json -x --";
	struct parse p;

	parse_line(&p, line);
	ck_assert_int_eq(p.ret, 0);
	ck_assert(!p.values.json);
	ck_assert_uint_eq(p.result.operand_count, 4);
	ck_assert_str_eq(p.result.operands[1], "--json");
	ck_assert_str_eq(p.result.operands[3], "--");
	parse_done(&p);
}
END_TEST

START_TEST(help_wins)
{
	char line[] = "--cpus 4 --help --no-such";
	struct parse p;

	parse_line(&p, line);
	ck_assert_int_eq(p.ret, 0);
	ck_assert(p.result.help);
	parse_done(&p);
}
END_TEST

START_TEST(last_one_counts)
{
	char line[] = "--timeout 1s --timeout=2s --console a --console=";
	struct parse p;

	parse_line(&p, line);
	ck_assert_int_eq(p.ret, 0);
	ck_assert_uint_eq(p.values.timeout, 2000000000);
	ck_assert_str_eq(p.values.console, "");
	parse_done(&p);
}
END_TEST

START_TEST(mistakes)
{
	static const struct {
		const char *line;
		const char *error;
	} cases[] = {
		{"--timeout abc", "--timeout: \"abc\" is not a time; write it as 30s, 500ms or 2m"},
		{"--timeout=30", "--timeout: \"30\" is not a time; write it as 30s, 500ms or 2m"},
		{"--timeout=", "--timeout: \"\" is not a time; write it as 30s, 500ms or 2m"},
		{"--memory 1X", "--memory: \"1X\" is not a size; write it as 512M or 2G"},
		{"--memory 99999999999T",
			"--memory: 99999999999T is too large; write a size such as 512M or 2G"},
		{"--cpus -1", "--cpus: \"-1\" is not a number; write it as 4"},
		{"--cpus 4294967296", "--cpus: 4294967296 is too large; write a number such as 4"},
		{"--time 3s", "--time is not an option; did you mean --timeout?"},
		{"--timeuot=3s", "--timeuot is not an option; did you mean --timeout?"},
		{"--cosnole x", "--cosnole is not an option; did you mean --console?"},
		{"--bananas", "--bananas is not an option; see the list of options"},
		{"--=x", "-- is not an option; see the list of options"},
		{"-j", "-j is not an option; options are written as --name"},
		{"--json=yes", "--json takes no value; write it as --json"},
		{"--console", "--console needs a value; write --console NAME"},
		{"--console --json",
			"--console needs a value, and --json looks like an option; write "
			"--console=--json if it is the value"},
		{"--set a --set", "--set needs a value; write --set KEY=VALUE"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *line = strdup(cases[i].line);
		struct parse p;

		parse_line(&p, line);
		ck_assert_int_eq(p.ret, -EINVAL);
		ck_assert_str_eq(p.result.error, cases[i].error);
		parse_done(&p);
	}
}
END_TEST

START_TEST(long_words)
{
	char line[4096] = "--";
	struct parse p;

	memset(line + 2, 't', sizeof(line) - 3);
	line[sizeof(line) - 1] = '\0';
	parse_line(&p, line);
	ck_assert_int_eq(p.ret, -EINVAL);
	ck_assert(strstr(p.result.error, "is not an option; see"));
	parse_done(&p);
}
END_TEST

static char *print_to_text(void (*print)(FILE *f))
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(f);
	print(f);
	fclose(f);
	return text;
}

static void print_table(FILE *f)
{
	options_print(specs, f);
}

static void print_long(FILE *f)
{
	print_columns(f, "a-label-that-is-too-long", 10,
		"one two three four five six seven eight nine ten eleven twelve thirteen fourteen\n"
		"fifteen");
}

START_TEST(help_is_aligned)
{
	AUTO_FREE char *table = print_to_text(print_table);
	AUTO_FREE char *wrapped = print_to_text(print_long);

	ck_assert_str_eq(table, "  --json           Print JSON.\n"
				"  --console NAME   Show the console of NAME.\n"
				"  --set KEY=VALUE  Override a key.\n"
				"  --memory SIZE    Memory.\n"
				"  --timeout TIME   Time limit.\n"
				"  --cpus N         vCPUs.\n"
				"  --help           Show this help.\n");
	ck_assert_str_eq(wrapped,
		"  a-label-that-is-too-long\n"
		"          one two three four five six seven eight nine ten eleven twelve\n"
		"          thirteen fourteen\n"
		"          fifteen\n");
}
END_TEST

static void print_paragraphs(FILE *f)
{
	print_text(f,
		"One sentence of a text that goes on for longer than one line of eighty columns "
		"has.\n\nAnother paragraph.\nA line.");
}

START_TEST(paragraphs)
{
	AUTO_FREE char *text = print_to_text(print_paragraphs);

	ck_assert_str_eq(text,
		"One sentence of a text that goes on for longer than one line of eighty columns\n"
		"has.\n\nAnother paragraph.\nA line.\n");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("cli/options");
	TCase *t = tcase_create("options");

	tcase_add_test(t, every_kind);
	tcase_add_test(t, double_dash_ends_options);
	tcase_add_test(t, help_wins);
	tcase_add_test(t, last_one_counts);
	tcase_add_test(t, mistakes);
	tcase_add_test(t, long_words);
	tcase_add_test(t, help_is_aligned);
	tcase_add_test(t, paragraphs);
	suite_add_tcase(s, t);
	return s;
}
