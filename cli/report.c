/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead report: what several `bulkhead test` have left, as one. */
#include "cli/commands.h"
#include "cli/reports.h"
#include "lib/file.h"
#include "suite/junit.h"
#include "suite/shards.h"

#include <errno.h>
#include <string.h>

/* ---- writing ---- */

static int write_one(
	const json_t *report, const char *path, void (*print)(const json_t *report, FILE *f))
{
	FILE *f;
	int ret;

	if (!path)
		return 0;
	if (strcmp(path, "-") == 0) {
		print(report, stdout);
		return 0;
	}
	f = fopen(path, "we");
	if (f) {
		print(report, f);
		ret = ferror(f) ? -EIO : 0;
		if (fclose(f) && !ret)
			ret = -errno;
	} else {
		ret = -errno;
	}
	if (ret)
		fprintf(stderr, "bulkhead: %s: the report cannot be written: %s\n", path,
			strerror(-ret));
	return ret;
}

int reports_write(const json_t *report, const char *junit, const char *json)
{
	int ret = write_one(report, junit, report_print_junit);
	int err = write_one(report, json, report_print_json);

	return ret ? ret : err;
}

void reports_tell_github(const json_t *report, FILE *f)
{
	const char *actions = getenv("GITHUB_ACTIONS"), *path = getenv("GITHUB_STEP_SUMMARY");
	AUTO_FCLOSE FILE *summary = NULL;

	if (!actions || strcmp(actions, "true") != 0)
		return;
	report_print_github(report, f);
	summary = path && *path ? fopen(path, "ae") : NULL;
	if (summary)
		report_print_markdown(report, summary);
}

/* ---- merging ---- */

struct report_options {
	const char *junit;
	const char *json;
	bool tap;
};

#define FIELD(f) offsetof(struct report_options, f)

static const struct option_spec report_specs[] = {
	{"junit", "FILE", OPTION_STRING, FIELD(junit),
		"Write the results of all to FILE as JUnit XML; - is standard output."},
	{"json", "FILE", OPTION_STRING, FIELD(json), "The same as JSON."},
	{"tap", NULL, OPTION_FLAG, FIELD(tap), "Print them as TAP 14 on standard output."},
	{0},
};

/* Adds the report at PATH to *REPORT, which may be NULL, and which part it is to SHARDS. */
static bool add(json_t **report, struct shards *shards, const char *path)
{
	json_error_t error;
	int err;
	json_t *from = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (!from) {
		fprintf(stderr,
			"bulkhead: %s:%d: not readable as JSON: %s; give what --json has left\n",
			path, error.line, error.text);
		return false;
	}
	if (!*report)
		*report = report_empty(from);
	if (!*report || report_merge(*report, from)) {
		fprintf(stderr,
			"bulkhead: %s: not a report of bulkhead test; give what --json has left\n",
			path);
		json_decref(from);
		return false;
	}
	err = shards_add(shards, from, path);
	json_decref(from);
	if (err)
		fprintf(stderr, "bulkhead: %s: %s\n", path, strerror(-err));
	return !err;
}

/* All that PATHS have, in *RET_REPORT. */
static int merge(unsigned count, char *const *paths, json_t **ret_report)
{
	struct shards shards = {0};
	int code = BH_EXIT_OK;
	struct diags diags;

	diags_init(&diags);
	for (unsigned i = 0; i < count; i++) {
		if (!add(ret_report, &shards, paths[i]))
			code = BH_EXIT_USAGE;
	}
	/* Of one that cannot be read nobody knows which it is. */
	if (!code)
		shards_check(&shards, &diags);
	if (diags.errors)
		code = BH_EXIT_USAGE;
	diags_print(&diags, stderr, "bulkhead: ");
	diags_fini(&diags);
	shards_fini(&shards);
	return code;
}

static void print_tap(const json_t *report)
{
	const json_t *cases = json_object_get(report, "cases"), *c;
	size_t i;

	report_print_tap_plan((unsigned)json_array_size(cases), stdout);
	json_array_foreach(cases, i, c)
	{
		report_print_tap_case(c, (unsigned)i + 1, stdout);
	}
}

static int verdict(const struct suite_summary *s, FILE *f)
{
	fprintf(f, "%u passed, %u failed, %u skipped\n", s->passed, s->failed,
		s->skipped + s->not_run);
	if (s->failed)
		return BH_EXIT_GUEST_FAILED;
	return s->passed || !(s->skipped + s->not_run) ? BH_EXIT_OK : BH_EXIT_NOTHING_RAN;
}

/* JUnit files, by whoever: all that can become of them is a JUnit file. */
static int merge_junit(const struct report_options *o, unsigned count, char *const *paths)
{
	bool to_stdout = !o->junit || strcmp(o->junit, "-") == 0;
	FILE *f = to_stdout ? stdout : fopen(o->junit, "we");
	struct suite_summary sum = {0};
	int code = BH_EXIT_OK;
	unsigned id = 0;

	if (!f) {
		fprintf(stderr, "bulkhead: %s: the report cannot be written: %s\n", o->junit,
			strerror(errno));
		return BH_EXIT_HOST;
	}
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", f);
	for (unsigned i = 0; i < count; i++) {
		struct file_map map = {0};
		int ret = file_map_path(paths[i], &map);

		if (!ret)
			ret = junit_copy_suites((const char *)map.data, map.size, f, &id, &sum);
		if (ret)
			fprintf(stderr, "bulkhead: %s: %s; give JUnit files\n", paths[i],
				ret == -EINVAL ? "not a JUnit file" : strerror(-ret));
		if (ret)
			code = BH_EXIT_USAGE;
		file_unmap(&map);
	}
	fputs("</testsuites>\n", f);
	if (!to_stdout && fclose(f)) {
		fprintf(stderr, "bulkhead: %s: the report cannot be written: %s\n", o->junit,
			strerror(errno));
		return BH_EXIT_HOST;
	}
	return code ? code : verdict(&sum, to_stdout ? stderr : stdout);
}

static bool is_xml(const char *path)
{
	size_t n = strlen(path);

	return n > 4 && strcmp(path + n - 4, ".xml") == 0;
}

static int report_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct report_options *o = options;
	struct suite_summary s;
	json_t *report = NULL;
	unsigned xml = 0;
	bool quiet;
	int code;

	if (strcmp(operands[0], "merge") != 0 || operand_count < 2)
		return command_usage_error(&command_report,
			"what to do is missing; write bulkhead report merge FILE...");
	for (unsigned i = 1; i < operand_count; i++)
		xml += is_xml(operands[i]);
	if (xml == operand_count - 1 && !o->json && !o->tap)
		return merge_junit(o, operand_count - 1, operands + 1);
	code = merge(operand_count - 1, operands + 1, &report);
	if (!code && reports_write(report, o->junit, o->json))
		code = BH_EXIT_HOST;
	if (!code) {
		quiet = o->tap || (o->junit && strcmp(o->junit, "-") == 0) ||
			(o->json && strcmp(o->json, "-") == 0);
		if (o->tap)
			print_tap(report);
		s = report_summary(report);
		code = verdict(&s, quiet ? stderr : stdout);
	}
	json_decref(report);
	return code;
}

const struct command command_report = {
	.name = "report",
	.synopsis = "[OPTIONS] merge FILE...",
	.summary = "Make one report of those that shards of a test have left.",
	.details =
		"Each FILE is what `bulkhead test --json` has written. Those of `--shard I/N` have to "
		"be all N, once each: a missing one is an error, and so is one given twice.\n"
		"Or all are JUnit files (NAME.xml), whoever has written them, of which only a JUnit "
		"file can be made. They do not say which shard they are of: that one is missing "
		"cannot be seen.\n"
		"The exit code is that of one test of all cases: 0, 1 or 77; 2 when a FILE is no such "
		"report, or shards are missing or there twice: no report is written then.",
	.options = report_specs,
	.options_size = sizeof(struct report_options),
	.operands_min = 1,
	.operands_max = 4096,
	.run = report_run,
};
