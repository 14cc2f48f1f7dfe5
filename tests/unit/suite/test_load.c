/* SPDX-License-Identifier: BSD-3-Clause */
/* Suites: keys, plans of cases, matrices, and what is said of mistakes. */
#include "lib/util.h"
#include "suite/suite.h"
#include "tests/unit/unit.h"

#include <string.h>

#define CASE "cases:\n- name: a\n  partition: {image: i.elf}\n"

static struct suite *load(const char *yaml, char *ret_text, size_t size)
{
	const struct suite_text text = {
		.name = "s.yaml", .dir = "/suites", .text = yaml, .size = strlen(yaml)};
	const struct suite_options options = {.arch = PLAN_ARCH_X86_64};
	FILE *f = fmemopen(ret_text, size, "w");
	struct suite *suite = NULL;
	struct diags diags;

	diags_init(&diags);
	suite_load_text(&text, &options, &diags, &suite);
	diags_print(&diags, f, "");
	fputc('\0', f);
	fclose(f);
	diags_fini(&diags);
	return suite;
}

static struct suite *load_good(const char *yaml)
{
	char text[2048] = "";
	struct suite *suite = load(yaml, text, sizeof(text));

	ck_assert_msg(suite != NULL, "%s", text);
	return suite;
}

START_TEST(a_short_case_has_sensible_defaults)
{
	struct suite *s = load_good(CASE);
	const struct suite_case *c = &s->cases[0];
	const struct plan_partition *p = &c->plan->partitions[0];

	ck_assert_str_eq(s->name, "s");
	ck_assert_uint_eq(s->case_count, 1);
	ck_assert_str_eq(c->name, "a");
	ck_assert_uint_eq(c->timeout_ns, 60 * UINT64_C(1000000000));
	ck_assert_uint_eq(c->expect.exit_code, 0);
	ck_assert_uint_eq(c->expect.max_output, 16 * MIB);
	ck_assert_str_eq(p->name, "guest");
	ck_assert_str_eq(p->image, "/suites/i.elf");
	ck_assert_uint_eq(p->cpus.vcpus, 1);
	ck_assert(p->cpus.shared && !p->lock);
	ck_assert_uint_eq(p->memory, 128 * MIB);
	suite_destroy(s);
}
END_TEST

START_TEST(partitions_inherit_key_by_key)
{
	struct suite *s = load_good(
		"timeout: 5s\npartition: {image: i.elf, memory: 32M}\n"
		"cases:\n"
		"- {name: a, partition: {}}\n"
		"- {name: b, timeout: 1s, partition: {memory: {size: 64M, lock: true}}}\n");

	ck_assert_uint_eq(s->cases[0].plan->partitions[0].memory, 32 * MIB);
	ck_assert(!s->cases[0].plan->partitions[0].lock);
	ck_assert_uint_eq(s->cases[0].timeout_ns, 5 * UINT64_C(1000000000));
	ck_assert_uint_eq(s->cases[1].plan->partitions[0].memory, 64 * MIB);
	ck_assert(s->cases[1].plan->partitions[0].lock);
	ck_assert_str_eq(s->cases[1].plan->partitions[0].image, "/suites/i.elf");
	ck_assert_uint_eq(s->cases[1].timeout_ns, UINT64_C(1000000000));
	suite_destroy(s);
}
END_TEST

START_TEST(expectations_are_inherited_key_by_key)
{
	struct suite *s = load_good("expect: {console: [ok], forbid: [FAILED]}\n"
				    "cases:\n"
				    "- {name: a, partition: {image: i.elf}}\n"
				    "- {name: b, partition: {image: i.elf}, expect: {exit_code: 4,"
				    " console: []}}\n");

	ck_assert_str_eq(s->cases[0].expect.steps[0].pattern.text, "ok");
	ck_assert_str_eq(s->cases[0].expect.forbids[0].pattern.text, "FAILED");
	ck_assert_uint_eq(s->cases[1].expect.step_count, 0);
	ck_assert_uint_eq(s->cases[1].expect.exit_code, 4);
	ck_assert_str_eq(s->cases[1].expect.forbids[0].pattern.text, "FAILED");
	suite_destroy(s);
}
END_TEST

START_TEST(a_matrix_makes_every_combination)
{
	static const char *const names[] = {
		"k-one,1", "k-one,2", "k-two,1", "k-two,2", "b:x.elf,3", "b:x.elf,4"};
	struct suite *s = load_good("cases:\n"
				    "- name: k-${image},${n}\n"
				    "  matrix: {image: [d/one, d/two], n: [1, 2]}\n"
				    "  partition: {image: \"${image}\", cpus: {count: \"${n}\"},"
				    " cmdline: \"n=${n} $${x}\"}\n"
				    "- name: b\n"
				    "  matrix: {image: [x.elf], n: [3, 4]}\n"
				    "  partition: {image: \"${image}\"}\n");
	const struct plan_partition *p;

	ck_assert_uint_eq(s->case_count, ARRAY_SIZE(names));
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_str_eq(s->cases[i].name, names[i]);
	p = &s->cases[3].plan->partitions[0];
	ck_assert_str_eq(p->image, "/suites/d/two");
	ck_assert_uint_eq(p->cpus.vcpus, 2);
	ck_assert_str_eq(p->cmdline, "n=2 ${x}");
	suite_destroy(s);
}
END_TEST

START_TEST(expectations_are_read)
{
	struct suite *s = load_good(CASE
		"  expect:\n"
		"    console: [hello, {regex: \"^a+$\", within: 2s, send: x, enter: false}, {send: y}]\n"
		"    forbid: [{text: BUG, port: com1, partition: guest}]\n"
		"    guest_code: 7\n"
		"    max_heartbeat_gap: 20ms\n"
		"    max_exits_per_second: 500\n"
		"  needs: {cores: 2, memory: 1G, features: [root, full-kvm]}\n");
	const struct suite_case *c = &s->cases[0];
	const struct suite_expect *e = &c->expect;

	ck_assert_uint_eq(e->step_count, 3);
	ck_assert_str_eq(e->steps[0].pattern.text, "hello");
	ck_assert_str_eq(e->steps[1].pattern.regex, "^a+$");
	ck_assert_uint_eq(e->steps[1].within_ns, 2 * UINT64_C(1000000000));
	ck_assert_str_eq(e->steps[1].send, "x");
	ck_assert(!e->steps[1].enter && e->steps[2].enter);
	ck_assert_str_eq(e->forbids[0].pattern.port, "com1");
	ck_assert_uint_eq(e->guest_code, 7);
	ck_assert_uint_eq(e->exit_code, 1);
	ck_assert_uint_eq(e->max_exits, 500);
	ck_assert_uint_eq(e->max_heartbeat_gap_ns, 20000000);
	ck_assert_uint_eq(c->needs.cores, 2);
	ck_assert_uint_eq(c->needs.memory, GIB);
	ck_assert_uint_eq(c->needs.feature_count, 2);
	ck_assert_int_eq(c->needs.features[1].feature, SUITE_FULL_KVM);
	suite_destroy(s);
}
END_TEST

START_TEST(signs_are_read)
{
	struct suite *s =
		load_good(CASE "  optional: true\n"
			       "  expect:\n"
			       "    console: [{regex: x, times: 500}]\n"
			       "    messages: [{regex: \"restart [1-3]$\"}, powered off]\n"
			       "    skip: [no EL2, {regex: \"^host +\", port: com1}]\n");
	const struct suite_expect *e = &s->cases[0].expect;

	ck_assert(s->cases[0].optional);
	ck_assert_uint_eq(e->steps[0].times, 500);
	ck_assert_uint_eq(e->message_count, 2);
	ck_assert_str_eq(e->messages[0].pattern.regex, "restart [1-3]$");
	ck_assert_str_eq(e->messages[1].pattern.text, "powered off");
	ck_assert_uint_eq(e->skip_count, 2);
	ck_assert_str_eq(e->skips[1].pattern.port, "com1");
	suite_destroy(s);
}
END_TEST

#define WITH_VARIABLES                                                                             \
	"variables: {dir: ../images, n: 2, kernel: null}\n"                                        \
	"partition: {image: \"${dir}/x.elf\"}\n"                                                   \
	"cases:\n"                                                                                 \
	"- {name: \"a-${n}\", partition: {cpus: {count: \"${n}\"}}}\n"                             \
	"- {name: \"b-${n}\", matrix: {n: [1, 3]},"                                                \
	" partition: {cmdline: \"${n} ${kernel}\"}}\n"                                             \
	"- {name: \"c-${kernel}\", matrix: {axis: [x, y]}, partition: {}}\n"

START_TEST(variables_stand_for_their_values)
{
	static const char *const names[] = {"a-2", "b-1", "b-3", "c-bz:x", "c-bz:y"};
	struct suite_variable given[] = {
		{.name = "kernel", .value = "../boot/bz"}, {.name = "other", .value = "x"}};
	const struct suite_options options = {
		.arch = PLAN_ARCH_X86_64, .variable_count = ARRAY_SIZE(given), .variables = given};
	const struct suite_text text = {.name = "s.yaml",
		.dir = "/suites",
		.text = WITH_VARIABLES,
		.size = strlen(WITH_VARIABLES)};
	struct suite *s = NULL;
	struct diags diags;

	diags_init(&diags);
	ck_assert_int_eq(suite_load_text(&text, &options, &diags, &s), 0);
	diags_fini(&diags);
	ck_assert_uint_eq(s->case_count, ARRAY_SIZE(names));
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_str_eq(s->cases[i].name, names[i]);
	ck_assert_str_eq(s->cases[0].plan->partitions[0].image, "/suites/../images/x.elf");
	ck_assert_uint_eq(s->cases[0].plan->partitions[0].cpus.vcpus, 2);
	/* An axis hides a variable of its name. */
	ck_assert_str_eq(s->cases[1].plan->partitions[0].cmdline, "1 ../boot/bz");
	ck_assert(given[0].used && !given[1].used);
	suite_destroy(s);
}
END_TEST

/* clang-format off */
static const struct {
	const char *text, *complaints;
} bad[] = {
	{"- a\n", "s.yaml:1:1: a list instead of a suite; start it with cases:\n"},
	{"name: x\n", "s.yaml:1:1: cases: missing; add this key\n"},
	{"cases: []\n", "s.yaml:1:8: cases: there is no case; give a list, such as [{name: a, partition: {image: a.elf}}]\n"},
	{"cases: [3]\n", "s.yaml:1:9: cases: this is text; a case is a mapping, such as {name: a, partition: {image: a.elf}}\n"},
	{"cases: [{name: a}]\n", "s.yaml:1:9: cases: the case has nothing to run; give partition: {image: PATH}, or a plan\n"},
	{"cases: [{name: a, partition: {image: i}, tiemout: 3s}]\n", "s.yaml:1:42: cases.tiemout: unknown key; did you mean timeout?\n"},
	{CASE "- name: a\n  partition: {image: i.elf}\n", "s.yaml:4:3: cases.name: \"a\" is also the case at s.yaml:2:3; name one of them otherwise\n"},
	{CASE "  set: [a=b]\n", "s.yaml:4:9: cases.set: only a plan that is given by its path has overrides; write the keys where they belong\n"},
	{CASE "  matrix: {}\n", "s.yaml:4:11: cases.matrix: a matrix is a mapping of 1 to 8 axes; write it like {vcpus: [1, 2]}\n"},
	{CASE "  matrix: {n: 3}\n", "s.yaml:4:15: cases.matrix.n: an axis is a list of values; give one, such as [1, 2]\n"},
	{CASE "  matrix: {n: [[1]]}\n", "s.yaml:4:16: cases.matrix.n: a value of an axis is a list; give texts or numbers\n"},
	{CASE "  timeout: \"${t}\"\n", "s.yaml:4:12: \"${t}\": there is no such variable, nor axis of the case's matrix; add it, or write $${ for a ${ that stays\n"},
	{CASE "  expect: {stop: true}\n", "s.yaml:2:3: cases.expect.stop: there is nothing after which it could stop; give console\n"},
	{CASE "  expect: {console: [{name: x}]}\n", "s.yaml:4:22: cases.expect.console: nothing is looked for or sent; give text, regex or send\n"},
	{CASE "  expect: {console: [{text: x, regex: y}]}\n", "s.yaml:4:22: cases.expect.console: both a text and a regex; remove one of the two\n"},
	{CASE "  expect: {console: [{text: x, partition: nobody}]}\n", "s.yaml:4:22: cases.expect.console: the plan has no partition nobody; name one that it has\n"},
	{CASE "  expect: {console: [{text: x, within: 61s}]}\n", "s.yaml:4:22: cases.expect.console: the case is over before it is late; give a longer timeout\n"},
	{CASE "  expect: {forbid: [{port: com1}]}\n", "s.yaml:4:21: cases.expect.forbid: nothing is looked for; give text or regex\n"},
	{CASE "  expect: {messages: [{text: x, port: com1}]}\n", "s.yaml:4:33: cases.expect.messages.0.port: unknown key; use text or regex\n"},
	{CASE "  expect: {skip: [{text: x, port: com2}]}\n", "s.yaml:4:19: cases.expect.skip: the plan has no such port that is a console; see serial and devices in it\n"},
	{CASE "expect: 3\n", "s.yaml:4:9: expect: this is text; give the keys that all cases have\n"},
	{CASE "variables: [a]\n", "s.yaml:4:12: variables: this is a list; give names and values, such as {images: ../build}\n"},
	{CASE "variables: {a b: c}\n", "s.yaml:4:13: variables.a b: not a name of a variable; use letters, digits, - and _\n"},
	{CASE "variables: {a: null}\n", "s.yaml:4:16: variables.a: it has no value; give one with --var a=VALUE\n"},
	{CASE "variables: {a: [c]}\n", "s.yaml:4:16: variables.a: this is a list; give a text or a number\n"},
	{CASE "  expect: {fatal: \"(\"}\n", "s.yaml:4:19: cases.expect.fatal: not a POSIX extended regular expression: Unmatched ( or \\(; correct it\n"},
	{"cases: [{name: a, partition: {image: i, memroy: 3}}]\n", "s.yaml:1:41: partitions.guest.memroy: unknown key; did you mean memory?\n"},
};
/* clang-format on */

START_TEST(mistakes_are_told_where_they_are)
{
	char text[4096] = "";

	ck_assert_ptr_null(load(bad[_i].text, text, sizeof(text)));
	ck_assert_str_eq(text, bad[_i].complaints);
}
END_TEST

START_TEST(matrices_are_bounded)
{
	char yaml[4096] = "cases:\n- name: a\n  partition: {image: i}\n  matrix: {",
	     text[4096] = "";

	for (char axis = 'a'; axis < 'f'; axis++) {
		char *end = yaml + strlen(yaml);

		end += sprintf(end, "%c: [0", axis);
		for (unsigned i = 1; i < 20; i++)
			end += sprintf(end, ", %u", i);
		sprintf(end, "], ");
	}
	strcat(yaml, "}\n");
	ck_assert_ptr_null(load(yaml, text, sizeof(text)));
	ck_assert_ptr_nonnull(strstr(text, "more than 4096 combinations; leave some values out"));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("suite/load");
	TCase *t = tcase_create("load");

	tcase_add_test(t, a_short_case_has_sensible_defaults);
	tcase_add_test(t, partitions_inherit_key_by_key);
	tcase_add_test(t, expectations_are_inherited_key_by_key);
	tcase_add_test(t, a_matrix_makes_every_combination);
	tcase_add_test(t, expectations_are_read);
	tcase_add_test(t, signs_are_read);
	tcase_add_test(t, variables_stand_for_their_values);
	tcase_add_loop_test(t, mistakes_are_told_where_they_are, 0, ARRAY_SIZE(bad));
	tcase_add_test(t, matrices_are_bounded);
	suite_add_tcase(s, t);
	return s;
}
