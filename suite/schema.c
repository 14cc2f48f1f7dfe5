/* SPDX-License-Identifier: BSD-3-Clause */
#include "suite/schema.h"

#define SECOND ((uint64_t)1000000000)
#define HOUR   (3600 * SECOND)

static const char *const feature_names[] = {
	"full-kvm", "nested", "root", "tun", "vhost-net", "vhost-vsock", NULL};

#define SILENCE_RANGE .min = 100000000, .max = 24 * HOUR

static const char *const a_mapping[] = {"mapping", NULL};
static const char *const path_or_mapping[] = {"path", "mapping", NULL};
static const char *const a_list[] = {"list", NULL};

#define TEXT_KEYS(holder, who)                                                                     \
	{.name = "text",                                                                           \
		.type = KEY_STRING,                                                                \
		.offset = offsetof(struct holder, pattern.text),                                   \
		.def_doc = "none",                                                                 \
		.help = who ", as it stands there; within one line."},                             \
	{                                                                                          \
		.name = "regex", .type = KEY_STRING,                                               \
		.offset = offsetof(struct holder, pattern.regex), .def_doc = "none",               \
		.help = "The same as a POSIX extended regular expression. `^` and `$` are the "    \
			"ends of a line."                                                          \
	}

#define PATTERN_KEYS(holder)                                                                       \
	TEXT_KEYS(holder, "What the guest says"),                                                  \
		{.name = "partition",                                                              \
			.type = KEY_STRING,                                                        \
			.offset = offsetof(struct holder, pattern.partition),                      \
			.def_doc = "any",                                                          \
			.help = "Whose console it is."},                                           \
	{                                                                                          \
		.name = "port", .type = KEY_STRING,                                                \
		.offset = offsetof(struct holder, pattern.port), .def_doc = "any",                 \
		.help = "Which of its ports: `com1`, `com2`, `hvc0`, or a name."                   \
	}

static const struct key step_keys[] = {
	PATTERN_KEYS(suite_step),
	{.name = "name",
		.type = KEY_STRING,
		.offset = offsetof(struct suite_step, name),
		.def_doc = "the pattern",
		.help = "What this milestone is called in reports."},
	{.name = "within",
		.type = KEY_TIME,
		.offset = offsetof(struct suite_step, within_ns),
		.def_doc = "the case's `timeout`",
		.min = 1000000,
		.max = HOUR,
		.help = "How long after the guest's start it has to show."},
	{.name = "send",
		.type = KEY_STRING,
		.offset = offsetof(struct suite_step, send),
		.def_doc = "nothing",
		.help = "What is typed into that port once it has shown. Without a pattern, it is "
			"typed at once."},
	{.name = "enter",
		.type = KEY_BOOL,
		.offset = offsetof(struct suite_step, enter),
		.def = "true",
		.help = "Whether the Enter key (a carriage return) follows what is sent."},
	{.name = "times",
		.type = KEY_COUNT,
		.offset = offsetof(struct suite_step, times),
		.def = "1",
		.min = 1,
		.max = SUITE_TIMES_MAX,
		.help = "How often it has to show before the next; without a pattern, how often it "
			"is typed."},
	{0},
};

static const struct key_list steps_list = {
	.count = offsetof(struct suite_case_source, result.expect.step_count),
	.element_size = sizeof(struct suite_step),
	.element_loc = offsetof(struct suite_step, loc),
	.what = "steps",
	.example = "[\"login:\", {regex: \"^ok [0-9]+\", within: 5s}]",
};

static const struct key sign_keys[] = {
	PATTERN_KEYS(suite_sign),
	{0},
};

static const struct key_list forbids_list = {
	.count = offsetof(struct suite_case_source, result.expect.forbid_count),
	.element_size = sizeof(struct suite_sign),
	.element_loc = offsetof(struct suite_sign, loc),
	.what = "forbidden patterns",
	.example = "[\"BUG:\", {regex: \"^FAIL\"}]",
};

static const struct key_list contains_list = {
	.count = offsetof(struct suite_case_source, result.expect.contain_count),
	.element_size = sizeof(struct suite_sign),
	.element_loc = offsetof(struct suite_sign, loc),
	.what = "patterns",
	.example = "[{text: done, partition: a}, {text: done, partition: b}]",
};

static const struct key_list skips_list = {
	.count = offsetof(struct suite_case_source, result.expect.skip_count),
	.element_size = sizeof(struct suite_sign),
	.element_loc = offsetof(struct suite_sign, loc),
	.what = "signs",
	.example = "[{regex: \"^host +\"}]",
};

static const struct key message_keys[] = {
	TEXT_KEYS(suite_sign, "What bulkhead says"),
	{0},
};

static const struct key_list messages_list = {
	.count = offsetof(struct suite_case_source, result.expect.message_count),
	.element_size = sizeof(struct suite_sign),
	.element_loc = offsetof(struct suite_sign, loc),
	.what = "messages",
	.example = "[{regex: \"restart [1-3]$\"}]",
};

#define EXPECT(m) .offset = offsetof(struct suite_case_source, result.expect.m)

static const struct key expect_keys[] = {
	{.name = "exit_code",
		.type = KEY_COUNT,
		.place = offsetof(struct suite_case_source, result.expect.exit_code_loc),
		EXPECT(exit_code),
		.def_doc = "`0`; any with `fatal`",
		.max = 255,
		.help = "The exit code that `bulkhead run` would end with: 0 is a power-off or the "
			"guest's code 0, 1 any other code or a reset, 4 a partition that died, 5 the "
			"safe state. 124: it goes on until its `timeout`, which then ends it."},
	{.name = "guest_code",
		.type = KEY_COUNT,
		.place = offsetof(struct suite_case_source, result.expect.guest_code_loc),
		EXPECT(guest_code),
		.def_doc = "any that suits `exit_code`",
		.max = UINT32_MAX,
		.help = "The code that a guest gives, by the exit port or the control page. One other "
			"than 0 makes the default of `exit_code` 1."},
	{.name = "console",
		.type = KEY_LIST,
		EXPECT(steps),
		.def_doc = "nothing",
		.max = SUITE_STEPS_MAX,
		.list = &steps_list,
		.fields = step_keys,
		.shorthand = "text",
		.help = "What the guest has to say, in this order: texts or mappings."},
	{.name = "forbid",
		.type = KEY_LIST,
		EXPECT(forbids),
		.def_doc = "nothing",
		.max = SUITE_FORBID_MAX,
		.list = &forbids_list,
		.fields = sign_keys,
		.shorthand = "text",
		.help = "What it must not say: texts or mappings. It ends the case."},
	{.name = "contains",
		.type = KEY_LIST,
		EXPECT(contains),
		.def_doc = "nothing",
		.max = SUITE_FORBID_MAX,
		.list = &contains_list,
		.fields = sign_keys,
		.shorthand = "text",
		.help = "What the guest has to say at some time, in any order: of several consoles, "
			"say, which no order holds between."},
	{.name = "messages",
		.type = KEY_LIST,
		EXPECT(messages),
		.def_doc = "nothing",
		.max = SUITE_FORBID_MAX,
		.list = &messages_list,
		.fields = message_keys,
		.shorthand = "text",
		.help = "What bulkhead itself has to say of the run, in any order, as `bulkhead run` "
			"prints it: how each partition ended, fatal errors with registers, what guests "
			"log by the control page."},
	{.name = "skip",
		.type = KEY_LIST,
		EXPECT(skips),
		.def_doc = "nothing",
		.max = SUITE_FORBID_MAX,
		.list = &skips_list,
		.fields = sign_keys,
		.shorthand = "text",
		.help = "Signs that this host cannot do what is tested, which make the case SKIP. "
			"When the guest says one, all else still has to be as expected. One in "
			"bulkhead's own messages excuses however the run ended."},
	{.name = "panic",
		.type = KEY_BOOL,
		EXPECT(panic),
		.def = "false",
		.help = "Whether the panic message of a known kernel (Linux, Xen, the BSDs) is all "
			"right. Else it fails the case at once, unless another exit code than 0 or "
			"124, or a fatal error, is expected."},
	{.name = "stop",
		.type = KEY_BOOL,
		EXPECT(stop),
		.def = "false",
		.help = "Whether the case is over, and the guest stopped, once all of `console` has "
			"shown: for guests that do not end by themselves. Exit codes do not count "
			"then."},
	{.name = "fatal",
		.type = KEY_STRING,
		.place = offsetof(struct suite_case_source, result.expect.fatal_loc),
		EXPECT(fatal),
		.def_doc = "none may happen",
		.help = "The fatal error that has to happen: a POSIX extended regular expression that "
			"is found in what it is called, such as `triple fault`."},
	{.name = "max_exits_per_second",
		.type = KEY_COUNT,
		EXPECT(max_exits),
		.def_doc = "any",
		.min = 1,
		.max = 100000000,
		.help = "How many exits all vCPUs together may make in a second, in each quarter of "
			"one and on average."},
	{.name = "max_heartbeat_gap",
		.type = KEY_TIME,
		EXPECT(max_heartbeat_gap_ns),
		.def_doc = "any",
		.min = 1000000,
		.max = HOUR,
		.help = "The longest time between two kicks of a control page's heartbeat. A "
			"partition that never kicks it does not count, but one has to."},
	{.name = "max_output",
		.type = KEY_SIZE,
		EXPECT(max_output),
		.def_doc = "16M",
		.min = 1,
		.max = 16 * GIB,
		.help = "How much one serial port may say; more fails the case."},
	{0},
};

static const struct key need_keys[] = {
	{.name = "feature",
		.type = KEY_ENUM,
		.required = true,
		.offset = offsetof(struct suite_need, feature),
		.names = feature_names,
		.help = "`full-kvm`: a KVM that runs unmodified kernels; `nested`: one whose guests "
			"can have guests; `root`: root's rights; `tun`, `vhost-net`, `vhost-vsock`: "
			"those devices."},
	{0},
};

static const struct key_list needs_list = {
	.count = offsetof(struct suite_case_source, result.needs.feature_count),
	.element_size = sizeof(struct suite_need),
	.element_loc = offsetof(struct suite_need, loc),
	.what = "features",
	.example = "[full-kvm, root]",
};

static const struct key needs_keys[] = {
	{.name = "cores",
		.type = KEY_COUNT,
		.offset = offsetof(struct suite_case_source, result.needs.cores),
		.def_doc = "any number",
		.min = 1,
		.max = PLAN_CORES_MAX,
		.help = "How many cores the host has at least."},
	{.name = "memory",
		.type = KEY_SIZE,
		.offset = offsetof(struct suite_case_source, result.needs.memory),
		.def_doc = "that of the partitions",
		.min = 1,
		.max = 1024 * GIB,
		.help = "How much memory the case takes."},
	{.name = "features",
		.type = KEY_LIST,
		.place = offsetof(struct suite_case_source, result.needs.features_loc),
		.offset = offsetof(struct suite_case_source, result.needs.features),
		.def_doc = "`full-kvm` if an image is a Linux kernel",
		.max = SUITE_FEATURES_MAX,
		.list = &needs_list,
		.fields = need_keys,
		.shorthand = "feature",
		.help = "What else the host has to have: a list of `full-kvm`, `nested`, `root`, "
			"`tun`, `vhost-net`, `vhost-vsock`. `[]` is for an image that looks like a "
			"Linux kernel, and is none."},
	{0},
};

static const struct key set_keys[] = {
	{.name = "key",
		.type = KEY_STRING,
		.required = true,
		.offset = offsetof(struct suite_set, text),
		.help = "`KEY=VALUE`."},
	{0},
};

static const struct key_list sets_list = {
	.count = offsetof(struct suite_case_source, set_count),
	.element_size = sizeof(struct suite_set),
	.element_loc = offsetof(struct suite_set, loc),
	.what = "overrides",
	.example = "[partitions.linux.memory=1G]",
};

#define CASE(m) .offset = offsetof(struct suite_case_source, m)

const struct key suite_case_keys[] = {
	{.name = "name",
		.type = KEY_STRING,
		.required = true,
		CASE(result.name),
		.help = "Unique in the suite: up to 128 letters, digits and `.`, `_`, `+`, `=`, `,`, "
			"`:`, `@`, `-`."},
	{.name = "matrix",
		.type = KEY_NODE,
		CASE(matrix),
		.names = a_mapping,
		.help = "Up to 8 axes, each a list of values: the case is repeated for every "
			"combination, with `${AXIS}` replaced by the value in all of its other keys. "
			"In `name`, the last part of a path stands for it; a name that uses no axis "
			"gets all values behind it."},
	{.name = "plan",
		.type = KEY_NODE,
		CASE(plan),
		.names = path_or_mapping,
		.help = "What is run: the path of a plan, or a plan."},
	{.name = "partition",
		.type = KEY_NODE,
		CASE(partition),
		.names = a_mapping,
		.fields = partition_keys,
		.help = "Instead of a plan, its only partition, named `guest`: the keys of one "
			"(docs/plan-reference.md). `cpus` is `{count: 1}`, `memory` 128M, and that is "
			"not locked, unless they say otherwise."},
	{.name = "set",
		.type = KEY_LIST,
		CASE(sets),
		.def_doc = "nothing",
		.max = SUITE_SET_MAX,
		.list = &sets_list,
		.fields = set_keys,
		.shorthand = "key",
		.help = "Overrides of a plan that is given by its path, as `--set` has them."},
	{.name = "timeout",
		.type = KEY_TIME,
		CASE(result.timeout_ns),
		.def_doc = "the suite's",
		.min = 1000000,
		.max = 24 * HOUR,
		.help = "The case's deadline, its start included."},
	{.name = "silence",
		.type = KEY_TIME,
		CASE(result.silence_ns),
		.def_doc = "the suite's",
		SILENCE_RANGE,
		.help = "How long one of its partitions may say nothing before it is looked at: what "
			"it is at is in the case's artifacts."},
	{.name = "optional",
		.type = KEY_BOOL,
		CASE(result.optional),
		.def = "false",
		.help = "Whether the case is skipped where this host cannot run it even with "
			"`--require-kvm`."},
	{.name = "expect",
		.type = KEY_GROUP,
		.fields = expect_keys,
		.def_doc = "exit code 0",
		.help = "What has to come of it."},
	{.name = "needs",
		.type = KEY_GROUP,
		.fields = needs_keys,
		.def_doc = "what its partitions take",
		.help = "What the host has to have; without it, the case is skipped."},
	{0},
};

#define SUITE(m) .offset = offsetof(struct suite_source, m)

const struct key suite_keys[] = {
	{.name = "version", .type = KEY_VERSION, .def = "1", .help = "The version of this format."},
	{.name = "name",
		.type = KEY_STRING,
		SUITE(name),
		.def_doc = "the file's name without its suffix",
		.help = "What the suite is called in reports; written as a case's name."},
	{.name = "timeout",
		.type = KEY_TIME,
		SUITE(timeout_ns),
		.def = "60s",
		.min = 1000000,
		.max = 24 * HOUR,
		.help = "The deadline of every case that has none of its own."},
	{.name = "silence",
		.type = KEY_TIME,
		SUITE(silence_ns),
		.def = "5s",
		SILENCE_RANGE,
		.help = "The same for every case that has none of its own: how long a partition may "
			"say nothing before it is looked at."},
	{.name = "partition",
		.type = KEY_NODE,
		SUITE(partition),
		.names = a_mapping,
		.fields = partition_keys,
		.help = "What every `partition` of a case has that does not say otherwise, key by key."},
	{.name = "expect",
		.type = KEY_NODE,
		SUITE(expect),
		.names = a_mapping,
		.fields = expect_keys,
		.help = "What every case expects that does not say otherwise, key by key."},
	{.name = "variables",
		.type = KEY_NODE,
		SUITE(variables),
		.names = a_mapping,
		.help = "Names and their values, of which `--var NAME=VALUE` gives others: `${NAME}` "
			"is the value in all cases, and in `partition` above. One whose value is "
			"`null` has to be given."},
	{.name = "cases",
		.type = KEY_NODE,
		.required = true,
		SUITE(cases),
		.names = a_list,
		.fields = suite_case_keys,
		.help = "The cases."},
	{0},
};

const char *suite_feature_name(enum suite_feature feature)
{
	return feature_names[feature];
}

/* ---- documents ---- */

static const char head[] =
	"<!-- Generated by suite_print_reference() from suite/schema.c; do not edit. -->\n"
	"# Suites: all keys\n"
	"\n"
	"A suite is a YAML file of cases for `bulkhead test` ([testing.md](testing.md)): guests, and\n"
	"what must come of each. A short one:\n"
	"\n"
	"```yaml\n"
	"timeout: 20s\n"
	"cases:\n"
	"  - name: hello\n"
	"    partition: {image: hello.elf}\n"
	"    expect: {console: [hello]}\n"
	"  - name: linux-${kernel}\n"
	"    matrix:\n"
	"      kernel: [vmlinuz-6.1, vmlinuz-6.12]\n"
	"      vcpus: [1, 2]\n"
	"    partition:\n"
	"      image: ${kernel}\n"
	"      initrd: initrd.img\n"
	"      cpus: {count: \"${vcpus}\"}\n"
	"      memory: 256M\n"
	"      cmdline: console=ttyS0 panic=-1\n"
	"    expect:\n"
	"      console:\n"
	"        - {text: Linux version, within: 2s}\n"
	"        - {regex: \"login: *$\", send: root}\n"
	"        - {text: \"# \", send: poweroff}\n"
	"      forbid: [\"BUG:\", \"WARNING:\"]\n"
	"    needs: {features: [full-kvm]}\n"
	"```\n"
	"\n"
	"Values are written as in a [plan](plan-reference.md); a path is relative to the suite's\n"
	"directory, one in a plan to that of the plan.\n";

void suite_print_reference(FILE *f)
{
	fputs(head, f);
	schema_print_keys("Top level", suite_keys, f);
	schema_print_keys("cases", suite_case_keys, f);
}

void suite_print_schema(FILE *f)
{
	json_t *schema = json_pack("{s:s, s:s, s:s}", "$schema",
		"https://json-schema.org/draft/2020-12/schema", "title", "Bulkhead suite",
		"$comment", "Generated by suite_print_schema() from suite/schema.c; do not edit.");
	json_t *top = schema_json(suite_keys), *cases = schema_json(suite_case_keys);
	json_t *list = json_object_get(json_object_get(top, "properties"), "cases");

	json_object_update(schema, top);
	json_object_del(list, "properties");
	json_object_del(list, "additionalProperties");
	json_object_set_new(list, "type", json_string("array"));
	json_object_set_new(list, "minItems", json_integer(1));
	json_object_set_new(list, "items", cases);
	json_decref(top);
	json_dumpf(schema, f, JSON_INDENT(2));
	fputc('\n', f);
	json_decref(schema);
}
