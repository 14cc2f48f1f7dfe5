/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead test: guests and what must come of them, for CI. */
#include "cli/commands.h"
#include "cli/images.h"
#include "cli/reports.h"
#include "cli/test_host.h"
#include "cli/words.h"
#include "lib/file.h"
#include "partition/partition.h"
#include "rig/inside.h"
#include "rig/rig.h"
#include "suite/progress.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

struct test_options {
	const char *junit;
	const char *json;
	bool tap;
	unsigned jobs;
	const char *shard;
	struct option_strings filters;
	struct option_strings variables;
	unsigned retry;
	uint64_t timeout;
	uint64_t silence;
	const char *machine;
	const char *artifacts;
	bool cores;
	bool fail_fast;
	bool list;
	bool require_kvm;
	bool rig;
};

#define FIELD(f) offsetof(struct test_options, f)

static const struct option_spec test_specs[] = {
	{"junit", "FILE", OPTION_STRING, FIELD(junit), "Write the results to FILE as JUnit XML."},
	{"json", "FILE", OPTION_STRING, FIELD(json),
		"Write the results to FILE as JSON, which `bulkhead report merge` takes."},
	{"tap", NULL, OPTION_FLAG, FIELD(tap),
		"Print TAP 14 on standard output; all else goes to standard error."},
	{"jobs", "N", OPTION_UNSIGNED, FIELD(jobs),
		"Run up to N cases at a time. Default: as many as there are cores."},
	{"shard", "I/N", OPTION_STRING, FIELD(shard),
		"Run the I-th (from 1) of N parts of the cases, the same on every machine; what --json "
		"leaves says which."},
	{"filter", "GLOB", OPTION_STRINGS, FIELD(filters),
		"Run only cases whose name, or SUITE/NAME, matches; with a ! in front, only others. "
		"May be repeated."},
	{"var", "NAME=VALUE", OPTION_STRINGS, FIELD(variables),
		"The value of a variable of the suites. May be repeated."},
	{"retry", "N", OPTION_UNSIGNED, FIELD(retry),
		"Run a case that fails up to N times more; one that passes then is reported as flaky."},
	{"timeout", "TIME", OPTION_DURATION, FIELD(timeout),
		"The deadline of every case, whatever its suite says."},
	{"silence", "TIME", OPTION_DURATION, FIELD(silence),
		"Look at a partition that says nothing for TIME; what it is at is in the artifacts. "
		"Default: as the suite says, else 5s."},
	{"machine", "TYPE", OPTION_STRING, FIELD(machine),
		"What an IMAGE runs on: standard, or testdev: with the devices that test images for "
		"QEMU's machines expect (docs/testdev.md). Default: standard."},
	{"artifacts", "DIR", OPTION_STRING, FIELD(artifacts),
		"Keep in DIR/CASE what each case said, did and was: consoles with times, events, result "
		"with counters, registers at death, plan, and repeat.sh."},
	{"cores", NULL, OPTION_FLAG, FIELD(cores),
		"With --artifacts: keep an ELF core of each partition of a case that fails, "
		"DIR/CASE/PARTITION.core, for gdb and crash."},
	{"fail-fast", NULL, OPTION_FLAG, FIELD(fail_fast),
		"End everything with the first failure."},
	{"list", NULL, OPTION_FLAG, FIELD(list), "Print the names of the cases, and run nothing."},
	{"require-kvm", NULL, OPTION_FLAG, FIELD(require_kvm),
		"What this host's KVM cannot run fails, instead of being skipped."},
	{"rig", NULL, OPTION_FLAG, FIELD(rig),
		"If this host's KVM cannot run one of the cases, run them all inside an emulated "
		"machine, as `bulkhead rig -- test` does."},
	{0},
};

/* Suites, and their cases in the order given. */
struct selection {
	enum plan_arch arch; /* of plans that do not say */
	struct suite **suites;
	unsigned suite_count;
	struct suite_entry *entries;
	unsigned count;
	struct report_shard shard;
	struct suite_variable *variables;
	unsigned variable_count;
};

/* ---- which cases ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_suite(const char *path)
{
	return strcmp(path, "-") == 0 || ends_with(path, ".yaml") || ends_with(path, ".yml");
}

static bool filtered_out(const struct test_options *o, const struct suite *s, const char *name)
{
	AUTO_FREE char *full = NULL;
	bool wanted = true, named = false;

	if (asprintf(&full, "%s/%s", s->name, name) < 0) {
		full = NULL;
		return false;
	}
	for (unsigned i = 0; i < o->filters.count; i++) {
		const char *glob = o->filters.items[i];
		bool others = *glob == '!';
		bool matches = fnmatch(glob + others, name, 0) == 0 ||
			       fnmatch(glob + others, full, 0) == 0;

		if (others && matches)
			return true;
		wanted = wanted && others;
		named = named || (!others && matches);
	}
	return !wanted && !named;
}

/* Two images of one name would be one case. */
static void check_names(const struct selection *s, struct diags *diags)
{
	for (unsigned i = 0; i < s->suite_count; i++) {
		for (unsigned k = 0; k < i; k++) {
			if (strcmp(s->suites[i]->name, s->suites[k]->name) != 0)
				continue;
			diag_error(diags, &(struct diag_loc){.file = s->suites[i]->path}, NULL,
				"its name is %s, and so is that of %s; rename one, or write a suite",
				s->suites[i]->name, s->suites[k]->path);
			break;
		}
	}
}

/* For the other architecture, the image is a case that is skipped, and says so. */
static int load_image(const struct test_options *o, const char *image, enum plan_arch arch,
	struct diags *diags, struct suite **ret_suite)
{
	struct suite_options options = {.arch = image_arch(image, arch),
		.timeout_ns = o->timeout,
		.silence_ns = o->silence,
		.machine = o->machine};

	/* A panic ends it, instead of hanging. */
	if (partition_image_is_linux(image))
		options.cmdline = options.arch == PLAN_ARCH_ARM64 ? "console=ttyAMA0 panic=-1"
								  : "console=ttyS0 panic=-1";
	return suite_from_image(image, &options, diags, ret_suite);
}

static int parse_variables(const struct test_options *o, struct selection *s)
{
	s->variables = calloc(o->variables.count + 1, sizeof(*s->variables));
	for (unsigned i = 0; s->variables && i < o->variables.count; i++) {
		const char *text = o->variables.items[i], *equals = strchr(text, '=');
		char *name = equals ? strndup(text, (size_t)(equals - text)) : NULL;

		if (!equals || equals == text)
			return command_usage_error(&command_test,
				"--var %s: not NAME=VALUE; write it like kernel=build/vmlinuz",
				text);
		if (!name)
			return BH_EXIT_HOST;
		s->variables[s->variable_count++] =
			(struct suite_variable){.name = name, .value = equals + 1};
	}
	return s->variables ? BH_EXIT_OK : BH_EXIT_HOST;
}

static void check_variables(const struct selection *s, struct diags *diags)
{
	for (unsigned i = 0; i < s->variable_count; i++) {
		if (!s->variables[i].used)
			diag_error(diags, NULL, "--var",
				"no suite has a variable %s; see variables in them",
				s->variables[i].name);
	}
}

static int load(const struct test_options *o, unsigned count, char *const *paths,
	struct selection *ret, struct diags *diags)
{
	const struct suite_options options = {.arch = ret->arch,
		.timeout_ns = o->timeout,
		.silence_ns = o->silence,
		.variable_count = ret->variable_count,
		.variables = ret->variables};
	unsigned total = 0;

	ret->suites = calloc(count, sizeof(*ret->suites));
	for (unsigned i = 0; ret->suites && i < count; i++) {
		struct suite **s = &ret->suites[ret->suite_count];
		int err = is_suite(paths[i]) ? suite_load(paths[i], &options, diags, s)
					     : load_image(o, paths[i], ret->arch, diags, s);

		if (!err)
			total += ret->suites[ret->suite_count++]->case_count;
	}
	check_names(ret, diags);
	if (!diags->errors)
		check_variables(ret, diags);
	ret->entries = calloc(total + 1, sizeof(*ret->entries));
	if (!ret->suites || !ret->entries)
		return -ENOMEM;
	for (unsigned i = 0; i < ret->suite_count; i++) {
		const struct suite *s = ret->suites[i];

		for (unsigned c = 0; c < s->case_count; c++) {
			if (!filtered_out(o, s, s->cases[c].name))
				ret->entries[ret->count++] =
					(struct suite_entry){.suite = s, .test = &s->cases[c]};
		}
	}
	return diags->errors ? -EINVAL : 0;
}

static void selection_fini(struct selection *s)
{
	for (unsigned i = 0; s->entries && i < s->count; i++)
		suite_result_fini(&s->entries[i].result);
	for (unsigned i = 0; i < s->suite_count; i++)
		suite_destroy(s->suites[i]);
	for (unsigned i = 0; i < s->variable_count; i++)
		free((char *)(uintptr_t)s->variables[i].name);
	free(s->variables);
	free(s->suites);
	free(s->entries);
}

/* Keeps every N-th case, from the I-th on. */
static int take_shard(const char *shard, struct selection *s)
{
	unsigned index, total, kept = 0;
	char rest;

	if (!shard)
		return BH_EXIT_OK;
	if (sscanf(shard, "%u/%u%c", &index, &total, &rest) != 2 || !index || index > total)
		return command_usage_error(&command_test,
			"--shard %s: not I/N with I from 1 to N; write it like 2/4", shard);
	for (unsigned i = index - 1; i < s->count; i += total)
		s->entries[kept++] = s->entries[i];
	s->count = kept;
	s->shard = (struct report_shard){index, total};
	return BH_EXIT_OK;
}

/* ---- running ---- */

struct session {
	struct progress progress;
	bool tap;
	unsigned tap_number;
};

static void started(void *ctx, const struct suite_entry *e)
{
	struct session *s = ctx;

	progress_started(&s->progress, e);
}

static void finished(void *ctx, const struct suite_entry *e)
{
	struct session *s = ctx;
	json_t *test = s->tap ? report_case(e) : NULL;

	progress_finished(&s->progress, e);
	if (test)
		report_print_tap_case(test, ++s->tap_number, stdout);
	json_decref(test);
}

static void tick(void *ctx)
{
	struct session *s = ctx;

	progress_tick(&s->progress);
}

/* ---- the same command again ---- */

/* How bulkhead was called, or in the rig, what stood before "test" on the host. */
static void add_front(struct words *w)
{
	const char *rig = getenv(INSIDE_VARIABLE);
	json_t *list = rig ? json_loads(rig, 0, NULL) : NULL, *word;
	char own[PATH_MAX];
	size_t i;

	json_array_foreach(list, i, word)
	{
		words_add(w, json_string_value(word) ?: "");
	}
	json_decref(list);
	if (!w->count)
		words_add(w, file_own_program(own) ? "bulkhead" : own);
}

/*
 * The command that has started this, but for what changes what it leaves and which cases it runs
 * when. Cores are kept among artifacts only, which go elsewhere, if anywhere.
 */
static void repeat_command(
	const struct test_options *o, unsigned count, char *const *paths, struct words *ret_words)
{
	const struct test_options again = {.variables = o->variables,
		.timeout = o->timeout,
		.silence = o->silence,
		.machine = o->machine,
		.require_kvm = o->require_kvm,
		.rig = o->rig};

	add_front(ret_words);
	words_add(ret_words, command_test.name);
	words_add_options(ret_words, test_specs, &again);
	for (unsigned i = 0; i < count; i++)
		words_add(ret_words, paths[i]);
}

static int exit_code(const struct suite_summary *s, bool interrupted)
{
	if (interrupted)
		return BH_EXIT_INTERRUPTED;
	if (s->failed)
		return BH_EXIT_GUEST_FAILED;
	return s->passed || !s->skipped ? BH_EXIT_OK : BH_EXIT_NOTHING_RAN;
}

static int run(const struct test_options *o, struct selection *s, const struct suite_host *host,
	char *const *repeat)
{
	struct session session = {.tap = o->tap};
	struct suite_runner_options options = {.entries = s->entries,
		.count = s->count,
		.jobs = o->jobs,
		.retry = o->retry,
		.fail_fast = o->fail_fast,
		.require_kvm = o->require_kvm,
		.artifacts = o->artifacts,
		.cores = o->cores,
		.repeat = repeat,
		.host = *host,
		.started = started,
		.finished = finished,
		.tick = tick,
		.ctx = &session};
	struct report_run how = {.shard = s->shard, .emulated = getenv(INSIDE_VARIABLE) != NULL};
	uint64_t since = monotonic_ns();
	struct suite_summary summary;
	bool interrupted = false;
	json_t *report;
	int ret, code;

	progress_init(&session.progress, o->tap ? stderr : stdout, s->count);
	session.progress.emulated = how.emulated;
	if (o->tap)
		report_print_tap_plan(s->count, stdout);
	ret = suite_run(&options, &interrupted);
	if (ret) {
		fprintf(stderr, "bulkhead test: cases cannot be run: %s%s%s\n", o->artifacts ?: "",
			o->artifacts ? ": " : "", strerror(-ret));
		return BH_EXIT_HOST;
	}
	for (unsigned i = 0; o->tap && i < s->count; i++) {
		if (s->entries[i].result.verdict == SUITE_NOT_RUN)
			finished(&session, &s->entries[i]);
	}
	how.ns = monotonic_ns() - since;
	report = report_create(s->entries, s->count, &how);
	summary = report_summary(report);
	code = reports_write(report, o->junit, o->json) ? BH_EXIT_HOST
							: exit_code(&summary, interrupted);
	reports_tell_github(report, o->tap ? stderr : stdout);
	progress_summary(&session.progress, s->entries, s->count, how.ns);
	json_decref(report);
	return code;
}

static int run_here(const struct test_options *o, struct selection *s,
	const struct suite_host *host, unsigned path_count, char *const *paths)
{
	struct words repeat = {0};
	int code;

	repeat_command(o, path_count, paths, &repeat);
	code = run(o, s, host, repeat.failed ? NULL : repeat.items);
	words_fini(&repeat);
	return code;
}

/* All that the command line asks for. */
static int choose(
	const struct test_options *o, unsigned count, char *const *paths, struct selection *ret)
{
	int code = parse_variables(o, ret);
	struct diags diags;

	if (code)
		return code;
	diags_init(&diags);
	if (load(o, count, paths, ret, &diags) == 0)
		code = take_shard(o->shard, ret);
	else
		code = diags.errors ? BH_EXIT_USAGE : BH_EXIT_HOST;
	diags_print(&diags, stderr, "bulkhead: ");
	diags_fini(&diags);
	return code;
}

/* ---- inside the rig ---- */

static void gather_selection(const struct test_options *o, const struct selection *s,
	unsigned path_count, char *const *paths, struct rig_job *job)
{
	const char *summary = getenv("GITHUB_STEP_SUMMARY");

	for (unsigned i = 0; i < path_count; i++)
		rig_job_input(job, paths[i]);
	for (unsigned i = 0; i < s->count; i++)
		rig_job_plan(job, s->entries[i].test->plan);
	/* The job's summary, which is added to. */
	if (summary)
		rig_job_input(job, summary);
	rig_job_output(job, summary, false);
	rig_job_output(job, o->junit, false);
	rig_job_output(job, o->json, false);
	rig_job_output(job, o->artifacts, true);
}

static int test_gather(
	const void *options, unsigned operand_count, char *const *operands, struct rig_job *job)
{
	const struct test_options *o = options;
	struct selection s = {.arch = job->arch};
	int code = choose(o, operand_count, operands, &s);

	for (unsigned i = 0; !code && i < operand_count; i++) {
		if (strcmp(operands[i], "-") == 0)
			code = command_usage_error(&command_test,
				"a suite from standard input does not work in the rig; give a file");
	}
	if (!code)
		gather_selection(o, &s, operand_count, operands, job);
	selection_fini(&s);
	return code;
}

/* This host's KVM cannot run one of the cases, or they are for another architecture. */
static bool wants_rig(const struct selection *s, const struct suite_host *host)
{
	for (unsigned i = 0; i < s->count; i++) {
		const struct suite_case *c = s->entries[i].test;

		if (c->plan->arch != host->arch || suite_kvm_lacks(host, c))
			return true;
	}
	return false;
}

/* The same command inside, without --rig. */
static void inside_command(
	const struct test_options *o, unsigned count, char *const *paths, struct words *ret_words)
{
	struct test_options inside = *o;

	inside.rig = false;
	words_add(ret_words, command_test.name);
	words_add_options(ret_words, test_specs, &inside);
	words_add(ret_words, "--");
	for (unsigned i = 0; i < count; i++)
		words_add(ret_words, paths[i]);
}

/* One machine is emulated, of one architecture. */
static int check_one_arch(const struct selection *s)
{
	for (unsigned i = 1; i < s->count; i++) {
		if (s->entries[i].test->plan->arch != s->entries[0].test->plan->arch)
			return command_usage_error(&command_test,
				"--rig: %s/%s is for another architecture than %s/%s; choose by --filter",
				s->entries[i].suite->name, s->entries[i].test->name,
				s->entries[0].suite->name, s->entries[0].test->name);
	}
	return BH_EXIT_OK;
}

static int run_in_rig(const struct test_options *o, const struct selection *s, unsigned path_count,
	char *const *paths)
{
	struct rig_options options = {0};
	struct rig_job job = {0};
	struct words argv = {0};
	struct diags diags;
	int code = BH_EXIT_HOST;

	diags_init(&diags);
	inside_command(o, path_count, paths, &argv);
	if (!argv.failed && rig_job_init(&job, s->arch, &diags) == 0) {
		gather_selection(o, s, path_count, paths, &job);
		options.job = &job;
		options.argv = (const char *const *)argv.items;
		options.arch = rig_job_arch(&job);
		code = diags.errors ? BH_EXIT_USAGE : rig_run(&options);
	}
	if (code == BH_EXIT_USAGE)
		diags_print(&diags, stderr, "bulkhead: ");
	diags_fini(&diags);
	rig_job_fini(&job);
	words_fini(&argv);
	return code;
}

static int test_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct test_options *o = options;
	struct selection s = {.arch = partition_host_arch()};
	int code = choose(o, operand_count, operands, &s);
	struct suite_host host = {0};

	if (!code && o->cores && !o->artifacts)
		code = command_usage_error(&command_test,
			"--cores keeps them among the artifacts; add --artifacts DIR");
	if (!code && !s.count && !o->shard)
		code = command_usage_error(&command_test,
			"no case matches --filter; --list without "
			"it prints the names of all");
	for (unsigned i = 0; !code && o->list && i < s.count; i++)
		printf("%s/%s\n", s.entries[i].suite->name, s.entries[i].test->name);
	if (!code && !o->list) {
		test_host_find(s.entries, s.count, &host);
		if (!o->rig || !wants_rig(&s, &host))
			code = run_here(o, &s, &host, operand_count, operands);
		else if (!(code = check_one_arch(&s)))
			code = run_in_rig(o, &s, operand_count, operands);
	}
	selection_fini(&s);
	return code;
}

const struct command command_test = {
	.name = "test",
	.synopsis = "[OPTIONS] SUITE.yaml|IMAGE...",
	.summary = "Run guests and judge what comes of them, for CI.",
	.details =
		"A suite (docs/testing.md) lists cases: a plan, and what has to come of it. An IMAGE "
		"needs none: it runs in a partition of one vCPU, and has to end with exit code 0. Each "
		"case runs by itself, in parallel with others as cores and memory allow, and is ended "
		"by its deadline.\n"
		"Exit codes: 0 all that ran has passed; 1 some failed; 2 wrong usage, or a suite that "
		"is not valid; 3 a report cannot be written, or the rig failed; 77 nothing could run, "
		"all was skipped; 130 interrupted.",
	.options = test_specs,
	.options_size = sizeof(struct test_options),
	.operands_min = 1,
	.operands_max = 4096,
	.run = test_run,
	.gather = test_gather,
};
