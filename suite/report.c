/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reports as JSON, JUnit [the schema of Jenkins' xunit plug-in and that of Apache Ant's task, of
 * which tests/golden/junit.xsd is the part that is used], TAP 14, GitHub.
 */
#include "suite/report.h"

#include "lib/text.h"
#include "lib/util.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#define REPORT_VERSION 1

/* ---- JSON ---- */

/* TEXT, whatever its bytes. */
static json_t *text_json(const char *text)
{
	json_t *s = text ? json_string(text) : json_null();
	AUTO_FREE char *copy = s ? NULL : strdup(text);

	if (s || !copy)
		return s;
	for (char *c = copy; *c; c++) {
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	}
	return json_string(copy);
}

json_t *report_case(const struct suite_entry *e)
{
	const struct suite_result *r = &e->result;
	json_t *o = json_pack("{s:o, s:o, s:o, s:i, s:s, s:s, s:o, s:f, s:f, s:i, s:o, s:i, s:I}",
		"suite", text_json(e->suite->name), "name", text_json(e->test->name), "file",
		text_json(e->test->loc.file), "line", (int)e->test->loc.line, "verdict",
		suite_verdict_name(r->verdict), "cause", r->cause, "text", text_json(r->text),
		"start", (double)r->start_ns / 1e9, "seconds", (double)r->ns / 1e9, "attempts",
		(int)r->attempts, "flaky", text_json(r->flaky), "exit_code", r->exit_code,
		"guest_code", (json_int_t)r->guest_code);

	if (!o)
		return NULL;
	json_object_set_new(o, "console_tail", text_json(r->tail));
	json_object_set_new(o, "artifacts", text_json(r->artifacts));
	if (r->verdict != SUITE_PASS) {
		json_object_set_new(o, "messages", text_json(r->messages));
		json_object_set_new(o, "registers", text_json(r->report));
	}
	return o;
}

static void count(json_t *report)
{
	static const char *const names[] = {"not-run", "passed", "failed", "skipped"};
	unsigned counts[ARRAY_SIZE(names)] = {0}, flaky = 0;
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(report, "cases"), i, c)
	{
		const char *verdict = json_string_value(json_object_get(c, "verdict"));

		for (unsigned v = 0; verdict && v < ARRAY_SIZE(names); v++)
			counts[v] += strcmp(verdict, names[v]) == 0;
		flaky += json_is_string(json_object_get(c, "flaky"));
	}
	for (unsigned v = 0; v < ARRAY_SIZE(names); v++)
		json_object_set_new(report, names[v], json_integer(counts[v]));
	json_object_set_new(report, "flaky", json_integer(flaky));
}

json_t *report_create(
	const struct suite_entry *entries, unsigned count_, const struct report_run *run)
{
	char host[65] = "", when[32] = "";
	time_t now = time(NULL) - (time_t)(run->ns / 1000000000);
	json_t *cases = json_array(), *report;
	struct tm tm;

	gethostname(host, sizeof(host) - 1);
	if (gmtime_r(&now, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	for (unsigned i = 0; i < count_; i++)
		json_array_append_new(cases, report_case(&entries[i]));
	report = json_pack("{s:i, s:o, s:s, s:f, s:b, s:o}", "bulkhead_report", REPORT_VERSION,
		"host", text_json(host), "started", when, "seconds", (double)run->ns / 1e9,
		"emulated", run->emulated, "cases", cases);
	if (report && run->shard.total)
		json_object_set_new(report, "shard",
			json_pack("[I, I]", (json_int_t)run->shard.index,
				(json_int_t)run->shard.total));
	if (report)
		count(report);
	return report;
}

json_t *report_empty(const json_t *from)
{
	json_t *report =
		json_pack("{s:i, s:s, s:s, s:f, s:b, s:[]}", "bulkhead_report", REPORT_VERSION,
			"host", "", "started", "", "seconds", 0.0, "emulated", false, "cases");
	static const char *const keys[] = {"host", "started"};

	for (unsigned i = 0; report && i < ARRAY_SIZE(keys); i++) {
		json_t *value = json_object_get(from, keys[i]);

		if (json_is_string(value))
			json_object_set(report, keys[i], value);
	}
	return report;
}

bool report_get_shard(const json_t *report, struct report_shard *ret_shard)
{
	const json_t *shard = json_object_get(report, "shard");
	json_int_t index = json_integer_value(json_array_get(shard, 0));
	json_int_t total = json_integer_value(json_array_get(shard, 1));

	if (json_array_size(shard) != 2 || index < 1 || index > total || total > UINT_MAX)
		return false;
	*ret_shard = (struct report_shard){(unsigned)index, (unsigned)total};
	return true;
}

/* Every case has its name, suite and verdict, as texts; a shard is one. */
static bool is_report(const json_t *report)
{
	const json_t *cases = json_object_get(report, "cases"), *c;
	struct report_shard shard;
	size_t i;

	if (json_integer_value(json_object_get(report, "bulkhead_report")) != REPORT_VERSION ||
		!json_is_array(cases) ||
		(json_object_get(report, "shard") && !report_get_shard(report, &shard)))
		return false;
	json_array_foreach(cases, i, c)
	{
		if (!json_is_string(json_object_get(c, "name")) ||
			!json_is_string(json_object_get(c, "suite")) ||
			!json_is_string(json_object_get(c, "verdict")))
			return false;
	}
	return true;
}

int report_merge(json_t *report, const json_t *from)
{
	double seconds;

	if (!is_report(from))
		return -EINVAL;
	json_array_extend(json_object_get(report, "cases"), json_object_get(from, "cases"));
	/* They ran beside each other, as far as anybody knows. */
	seconds = json_number_value(json_object_get(from, "seconds"));
	if (seconds > json_number_value(json_object_get(report, "seconds")))
		json_object_set_new(report, "seconds", json_real(seconds));
	if (json_is_true(json_object_get(from, "emulated")))
		json_object_set_new(report, "emulated", json_true());
	count(report);
	return 0;
}

static unsigned counted(const json_t *report, const char *name)
{
	return (unsigned)json_integer_value(json_object_get(report, name));
}

struct suite_summary report_summary(const json_t *report)
{
	return (struct suite_summary){.passed = counted(report, "passed"),
		.failed = counted(report, "failed"),
		.skipped = counted(report, "skipped"),
		.not_run = counted(report, "not-run"),
		.flaky = counted(report, "flaky")};
}

void report_print_json(const json_t *report, FILE *f)
{
	json_dumpf(report, f, JSON_INDENT(2));
	fputc('\n', f);
}

/* ---- JUnit ---- */

static const char *string_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static bool verdict_is(const json_t *test, const char *verdict)
{
	return strcmp(string_of(test, "verdict"), verdict) == 0;
}

/* The last line of TEXT. */
static const char *last_line(const char *text)
{
	const char *newline = strrchr(text, '\n');

	return newline ? newline + 1 : text;
}

int report_size_below(const char *report, const char *tail)
{
	static const char indent[] = "\n    "; /* of each of the lines */
	const char *title = strstr(report, "\n" REPORT_CONSOLE_TITLE), *end;
	size_t size = strlen(report), n;

	if (!title || !tail)
		return (int)size;
	/* Another console's are other lines. */
	end = report + size - (report[size - 1] == '\n');
	tail = last_line(tail);
	n = strlen(tail);
	if ((size_t)(end - title) >= strlen(indent) + n && memcmp(end - n, tail, n) == 0 &&
		memcmp(end - n - strlen(indent), indent, strlen(indent)) == 0)
		size = (size_t)(title + 1 - report);
	return (int)size;
}

/* XML 1.0 has no way to say most control characters. */
static void print_xml_bytes(const char *text, int size, FILE *f)
{
	for (; size; size--, text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '&')
			fputs("&amp;", f);
		else if (c == '<')
			fputs("&lt;", f);
		else if (c == '>')
			fputs("&gt;", f);
		else if (c == '"')
			fputs("&quot;", f);
		else if (c < 0x20 && c != '\n' && c != '\t')
			fputc('?', f);
		else
			fputc(c, f);
	}
}

static void print_xml(const char *text, FILE *f)
{
	print_xml_bytes(text, (int)strlen(text), f);
}

static void print_attribute(const char *name, const char *text, FILE *f)
{
	fprintf(f, " %s=\"", name);
	print_xml(text, f);
	fputc('"', f);
}

static void print_bytes(const char *title, const char *text, int size, FILE *f)
{
	if (!size)
		return;
	fprintf(f, "\n%s:\n", title);
	print_xml_bytes(text, size, f);
	fputc('\n', f);
}

static void print_section(const char *title, const char *text, FILE *f)
{
	print_bytes(title, text, (int)strlen(text), f);
}

static void print_junit_case(const json_t *test, FILE *f)
{
	bool failed = verdict_is(test, "failed");
	bool skipped = verdict_is(test, "skipped") || verdict_is(test, "not-run");
	const char *tail = string_of(test, "console_tail"), *report = string_of(test, "registers");

	fputs("    <testcase", f);
	print_attribute("classname", string_of(test, "suite"), f);
	print_attribute("name", string_of(test, "name"), f);
	fprintf(f, " time=\"%.3f\"", json_number_value(json_object_get(test, "seconds")));
	if (skipped) {
		fputs("><skipped", f);
		print_attribute("message", string_of(test, "text"), f);
		fputs("/></testcase>\n", f);
	} else if (failed) {
		fputs("><failure", f);
		print_attribute("type", string_of(test, "cause"), f);
		print_attribute("message", string_of(test, "text"), f);
		fputc('>', f);
		print_xml(string_of(test, "text"), f);
		fputc('\n', f);
		print_section("Its console said last", tail, f);
		print_bytes("Registers", report, report_size_below(report, tail), f);
		print_section("Bulkhead said", string_of(test, "messages"), f);
		print_section("Artifacts", string_of(test, "artifacts"), f);
		fputs("</failure></testcase>\n", f);
	} else {
		fputs("/>\n", f);
	}
}

/* The cases of SUITE. */
static void print_junit_suite(const json_t *report, const char *suite, unsigned id, FILE *f)
{
	unsigned tests = 0, failures = 0, skipped = 0;
	double seconds = 0;
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(report, "cases"), i, c)
	{
		if (strcmp(string_of(c, "suite"), suite) != 0)
			continue;
		tests++;
		failures += verdict_is(c, "failed");
		skipped += verdict_is(c, "skipped") || verdict_is(c, "not-run");
		seconds += json_number_value(json_object_get(c, "seconds"));
	}
	fputs("  <testsuite", f);
	print_attribute("name", suite, f);
	print_attribute("package", suite, f);
	print_attribute("timestamp", string_of(report, "started"), f);
	print_attribute("hostname",
		*string_of(report, "host") ? string_of(report, "host") : "localhost", f);
	fprintf(f,
		" id=\"%u\" tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"%u\" time=\"%.3f\">\n",
		id, tests, failures, skipped, seconds);
	if (json_is_true(json_object_get(report, "emulated")))
		fputs("    <properties>\n      <property name=\"emulated\" value=\"true\"/>\n"
		      "    </properties>\n",
			f);
	else
		fputs("    <properties/>\n", f);
	json_array_foreach(json_object_get(report, "cases"), i, c)
	{
		if (strcmp(string_of(c, "suite"), suite) == 0)
			print_junit_case(c, f);
	}
	fputs("    <system-out/>\n    <system-err/>\n  </testsuite>\n", f);
}

void report_print_junit(const json_t *report, FILE *f)
{
	json_t *seen = json_object();
	const json_t *c;
	unsigned id = 0;
	size_t i;

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", f);
	json_array_foreach(json_object_get(report, "cases"), i, c)
	{
		const char *suite = string_of(c, "suite");

		if (json_object_get(seen, suite))
			continue;
		json_object_set_new(seen, suite, json_true());
		print_junit_suite(report, suite, id++, f);
	}
	fputs("</testsuites>\n", f);
	json_decref(seen);
}

/* ---- TAP ---- */

void report_print_tap_plan(unsigned count_, FILE *f)
{
	fprintf(f, "TAP version 14\n1..%u\n", count_);
}

/* A # starts a directive, and a backslash escapes it [TAP 14]. */
static void print_tap(const char *text, FILE *f)
{
	for (; *text; text++) {
		if (*text == '#' || *text == '\\')
			fputc('\\', f);
		fputc(iscntrl((unsigned char)*text) ? ' ' : *text, f);
	}
}

/* A line of the YAML block: JSON's texts are YAML's. */
static void print_tap_key(const char *key, const json_t *value, FILE *f)
{
	AUTO_FREE char *text =
		json_is_null(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	if (text && strcmp(text, "\"\"") != 0)
		fprintf(f, "  %s: %s\n", key, text);
}

void report_print_tap_case(const json_t *test, unsigned number, FILE *f)
{
	bool failed = verdict_is(test, "failed");

	fprintf(f, "%sok %u - ", failed ? "not " : "", number);
	print_tap(string_of(test, "suite"), f);
	fputc('/', f);
	print_tap(string_of(test, "name"), f);
	if (verdict_is(test, "skipped") || verdict_is(test, "not-run")) {
		fputs(" # SKIP ", f);
		print_tap(string_of(test, "text"), f);
	}
	fputc('\n', f);
	if (failed || json_is_string(json_object_get(test, "flaky"))) {
		fputs("  ---\n", f);
		print_tap_key("message", json_object_get(test, "text"), f);
		print_tap_key("cause", json_object_get(test, "cause"), f);
		print_tap_key("flaky", json_object_get(test, "flaky"), f);
		print_tap_key("duration_s", json_object_get(test, "seconds"), f);
		print_tap_key("console", json_object_get(test, "console_tail"), f);
		print_tap_key("artifacts", json_object_get(test, "artifacts"), f);
		fputs("  ...\n", f);
	}
	fflush(f);
}

/* ---- GitHub ---- */

static void print_command(const char *text, bool property, FILE *f)
{
	for (; *text; text++) {
		if (*text == '%' || *text == '\n' || *text == '\r' ||
			(property && (*text == ':' || *text == ',')))
			fprintf(f, "%%%02X", (unsigned char)*text);
		else
			fputc(*text, f);
	}
}

void report_print_github(const json_t *report, FILE *f)
{
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(report, "cases"), i, c)
	{
		bool failed = verdict_is(c, "failed");
		const char *flaky = string_of(c, "flaky");

		if (!failed && !*flaky)
			continue;
		fprintf(f, "::%s ", failed ? "error" : "warning");
		if (json_integer_value(json_object_get(c, "line"))) {
			fputs("file=", f);
			print_command(string_of(c, "file"), true, f);
			fprintf(f, ",line=%lld,",
				(long long)json_integer_value(json_object_get(c, "line")));
		}
		fputs("title=", f);
		print_command(string_of(c, "suite"), true, f);
		fputc('/', f);
		print_command(string_of(c, "name"), true, f);
		fputs("::", f);
		print_command(failed ? string_of(c, "text") : flaky, false, f);
		if (failed && *string_of(c, "console_tail")) {
			fputs("%0AIts console said last:%0A", f);
			print_command(string_of(c, "console_tail"), false, f);
		}
		fputc('\n', f);
	}
}

static void print_cell(const char *text, FILE *f)
{
	for (; *text; text++) {
		if (strchr("|\\`*_<>[]#", *text))
			fputc('\\', f);
		fputc(*text == '\n' ? ' ' : *text, f);
	}
}

void report_print_markdown(const json_t *report, FILE *f)
{
	struct suite_summary s = report_summary(report);
	const json_t *c;
	size_t i;

	fprintf(f, "### Bulkhead: %u passed, %u failed, %u skipped\n\n", s.passed, s.failed,
		s.skipped + s.not_run);
	fputs("| case | verdict | s | why |\n|---|---|---|---|\n", f);
	json_array_foreach(json_object_get(report, "cases"), i, c)
	{
		if (verdict_is(c, "passed") && !*string_of(c, "flaky"))
			continue;
		fputs("| ", f);
		print_cell(string_of(c, "suite"), f);
		fputc('/', f);
		print_cell(string_of(c, "name"), f);
		fprintf(f, " | %s | %.2f | ",
			verdict_is(c, "passed") ? "flaky" : string_of(c, "verdict"),
			json_number_value(json_object_get(c, "seconds")));
		print_cell(
			verdict_is(c, "passed") ? string_of(c, "flaky") : string_of(c, "text"), f);
		fputs(" |\n", f);
	}
}
