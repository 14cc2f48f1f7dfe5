/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verdict on a case: from what its consoles said, its events and samples, the run's own result,
 * and what is expected. The gravest cause that is known is told, others are added where they help.
 */
#include "suite/job.h"

#include "lib/exitcode.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

/* Lines of a console in a report. */
#define TAIL_LINES 12

/* What a case still waits for, in words. */
#define WAITS_ROOM (EXCERPT_ROOM + 256)

#define NS_PER_S ((uint64_t)1000000000)

/* The shortest time between two samples that a rate is made of. */
#define RATE_WINDOW_MIN_NS 100000000

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static uint64_t number_of(const json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v < 0 ? 0 : (uint64_t)v;
}

/* ---- while it runs ---- */

static void job_released(struct job *job, uint64_t ns)
{
	job->released_ns = ns;
	matcher_start(&job->matcher, job->port_count ? &job->ports[0].match : NULL);
	/* Steps may have deadlines from now on; matched passes through here as well. */
	loop_timer_start(&job->milestone, 1);
}

static int partition_index(const struct job *job, const char *name)
{
	const struct plan *plan = job->test->plan;

	for (unsigned i = 0; i < plan->partition_count; i++) {
		if (strcmp(plan->partitions[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static void check_gap(struct job *job, const char *partition, uint64_t gap_ns)
{
	uint64_t max = job->test->expect.max_heartbeat_gap_ns;

	if (max && gap_ns > max)
		job_fail(job, "heartbeat",
			"%s: no heartbeat for %.3f ms; max_heartbeat_gap allows %.3f ms", partition,
			(double)gap_ns / 1e6, (double)max / 1e6);
}

static void take_sample(struct job *job, const json_t *o)
{
	const struct plan *plan = job->test->plan;
	const char *name = text_of(o, "partition");
	int index = partition_index(job, name);
	uint64_t now = number_of(o, "monotonic_ns"), exits = number_of(o, "exits"), sum = 0;
	uint64_t last_beat = number_of(o, "last_beat_ns");
	struct job_sample *s;

	if (index < 0 || job->stopping)
		return;
	s = &job->samples[index];
	s->beats = number_of(o, "beats");
	check_gap(job, name, number_of(o, "longest_gap_ns"));
	if (last_beat && now > last_beat)
		check_gap(job, name, now - last_beat);
	if (exits < s->exits || !s->ns) /* the first; or it was started again */
		s->exits = s->rate = 0, s->ns = job->released_ns;
	/* Of a shorter time nothing can be said for a second. */
	if (!s->ns || now < s->ns + RATE_WINDOW_MIN_NS)
		return;
	s->rate = (exits - s->exits) * NS_PER_S / (now - s->ns);
	s->exits = exits;
	s->ns = now;
	for (unsigned i = 0; i < plan->partition_count; i++)
		sum += job->samples[i].rate;
	if (job->test->expect.max_exits && sum > job->test->expect.max_exits)
		job_fail(job, "exits",
			"%" PRIu64 " exits per second; max_exits_per_second allows %u", sum,
			job->test->expect.max_exits);
}

/* A partition's state changes: one that has ended may start again, if its plan says so. */
static void take_state(struct job *job, const json_t *o)
{
	const struct plan *plan = job->test->plan;
	int index = partition_index(job, text_of(o, "partition"));
	const char *state = text_of(o, "text");
	bool all = true;

	if (index < 0)
		return;
	job->samples[index].ended = strcmp(state, "stopped") == 0 || strcmp(state, "failed") == 0;
	for (unsigned i = 0; i < plan->partition_count; i++)
		all = all && job->samples[i].ended;
	if (all && !job->wound_down && !job->over) {
		job->wound_down = true;
		job->ending(job);
	}
}

void job_event(struct job *job, const char *line, size_t size)
{
	json_t *o = json_loadb(line, size, 0, NULL);
	const char *kind = text_of(o, "kind");

	if (strcmp(kind, "sample") == 0)
		take_sample(job, o);
	else if (strcmp(kind, "state") == 0 && strcmp(text_of(o, "text"), "OPERATIONAL") == 0)
		job_released(job, number_of(o, "monotonic_ns"));
	else if (strcmp(kind, "state") == 0)
		take_state(job, o);
	else if (strcmp(kind, "silence") == 0)
		job_take_silence(job, text_of(o, "partition"), text_of(o, "text"));
	else if (strcmp(kind, "inspection") == 0)
		job_take_inspection(job, text_of(o, "partition"), text_of(o, "text"));
	else if (strcmp(kind, "inspected") == 0 &&
		 job_take_answer(job, text_of(o, "partition"), text_of(o, "text")))
		job_answered(job);
	json_decref(o);
}

/* ": guest.com2 has said nothing, guest.com1 has", when step S waits for the one alone. */
static void add_silent_port(
	const struct job *job, const struct suite_step *s, char *buf, size_t size)
{
	const struct match_port *silent = NULL, *other = NULL;

	for (unsigned i = 0; s->pattern.port && i < job->port_count; i++) {
		const struct match_port *port = &job->ports[i].match;

		if (strcmp(port->port, s->pattern.port) == 0 && !port->total)
			silent = port;
		else if (port->total)
			other = port;
	}
	if (silent && other)
		snprintf(buf, size, ": %s.%s has said nothing, %s.%s has", silent->partition,
			silent->port, other->partition, other->port);
}

/* The next step that is still to come, for messages; "" when there is none. */
static const char *waiting_for(const struct job *job, char buf[WAITS_ROOM])
{
	const struct suite_expect *e = &job->test->expect;
	const struct suite_step *next = &e->steps[job->matcher.step];
	char name[EXCERPT_ROOM];
	int n = 0;

	*buf = '\0';
	if (job->matcher.step < e->step_count && job->matcher.shown)
		snprintf(buf, WAITS_ROOM, "; %s showed %u times, and has to %u times",
			step_text(&e->steps[job->matcher.step], name), job->matcher.shown,
			e->steps[job->matcher.step].times);
	else if (job->matcher.step < e->step_count)
		n = snprintf(buf, WAITS_ROOM, "; %s never showed (%u of %u did)",
			step_text(&e->steps[job->matcher.step], name), job->matcher.step,
			e->step_count);
	else if (e->step_count)
		snprintf(buf, WAITS_ROOM, "; all that it had to say is there");
	if (n > 0 && n < WAITS_ROOM)
		add_silent_port(job, next, buf + n, WAITS_ROOM - (size_t)n);
	return buf;
}

void job_timed_out(struct job *job)
{
	uint64_t now = monotonic_ns(), said = 0;
	double limit = (double)job->test->timeout_ns / 1e9;
	double silent = (double)(now - job->last_output_ns) / 1e9;
	char waits[WAITS_ROOM];

	for (unsigned i = 0; i < job->port_count; i++)
		said += job->ports[i].match.total;
	/* The guest was in time; its process may be held up by others. */
	if (job->wound_down && !job->late) {
		job->late = true;
		loop_timer_start(&job->deadline, JOB_WIND_DOWN_NS);
		return;
	}
	waiting_for(job, waits);
	if (job->wound_down)
		job_fail(job, "crash",
			"its guests have ended, but bulkhead run has not, %.1f s later",
			JOB_WIND_DOWN_NS / 1e9);
	else if (!job->released_ns)
		job_fail(job, "timeout", "not started within %.3f s", limit);
	else if (!job->port_count)
		job_fail(job, "timeout", "not ended within %.3f s", limit);
	else if (!said)
		job_fail(job, "timeout",
			"not ended within %.3f s: no output at all, so it hangs before its first%s",
			limit, waits);
	else if (silent < 1.0)
		job_fail(job, "timeout",
			"not ended within %.3f s: it still writes, %" PRIu64 " bytes so far%s",
			limit, said, waits);
	else
		job_fail(job, "timeout",
			"not ended within %.3f s: it hangs, silent for the last %.1f s%s", limit,
			silent, waits);
}

/* ---- at the end ---- */

/* "guest: exit code 3 (exit port 0xF4)", of all partitions that did not end well, or of all. */
static void describe(const json_t *run, bool all, char *buf, size_t size)
{
	const json_t *list = json_object_get(run, "partitions"), *p;
	size_t i, used = 0;

	*buf = '\0';
	json_array_foreach(list, i, p)
	{
		json_t *code = json_object_get(p, "guest_code");

		if ((!all && !json_integer_value(json_object_get(p, "exit_code"))) || used >= size)
			continue;
		used += (size_t)snprintf(
			buf + used, size - used, "%s%s: ", used ? "; " : "", text_of(p, "name"));
		if (used < size && json_is_integer(code))
			used += (size_t)snprintf(buf + used, size - used, "code %lld, by ",
				(long long)json_integer_value(code));
		if (used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s",
				*text_of(p, "how") ? text_of(p, "how") : text_of(p, "end"));
	}
}

/* What a report says first, without the place in a plan that nobody has seen. */
static const char *first_words(const char *report, int *ret_size)
{
	const char *colon = strncmp(report, "<stdin>:", 8) == 0 ? strstr(report, ": ") : NULL;

	report = colon ? colon + 2 : report;
	*ret_size = (int)strcspn(report, "\n");
	return report;
}

/* The first that the run complains of, or the first report of a partition that was not made. */
static const char *complaint(const json_t *run, const char **ret_field)
{
	const json_t *o;
	size_t i;

	json_array_foreach(json_object_get(run, "diagnostics"), i, o)
	{
		if (strcmp(text_of(o, "severity"), "error") != 0)
			continue;
		*ret_field = text_of(o, "field");
		return text_of(o, "message");
	}
	json_array_foreach(json_object_get(run, "partitions"), i, o)
	{
		if (*text_of(o, "report"))
			return text_of(o, "report");
	}
	return "it gives no reason";
}

static bool died(const json_t *partition)
{
	const char *end = text_of(partition, "end");

	return strcmp(end, "fatal") == 0 || strcmp(end, "crashed") == 0 ||
	       number_of(partition, "parked_vcpus");
}

static const json_t *find_fatal(const json_t *run, const char *regex)
{
	const json_t *p, *found = NULL;
	regex_t r;
	size_t i;

	if (regex && regcomp(&r, regex, REG_EXTENDED | REG_NOSUB))
		return NULL;
	json_array_foreach(json_object_get(run, "partitions"), i, p)
	{
		if (found || !died(p))
			continue;
		if (!regex || regexec(&r, text_of(p, "how"), 0, NULL, 0) == 0 ||
			regexec(&r, text_of(p, "report"), 0, NULL, 0) == 0)
			found = p;
	}
	if (regex)
		regfree(&r);
	return found;
}

static void judge_fatal(struct job *job, const json_t *run)
{
	const struct suite_expect *e = &job->test->expect;
	const json_t *fatal = find_fatal(run, NULL);
	char what[256];

	describe(run, true, what, sizeof(what));
	if (e->fatal && !find_fatal(run, e->fatal))
		job_fail(
			job, "no-fatal", "the fatal error /%s/ did not happen: %s", e->fatal, what);
	else if (!e->fatal && fatal && e->exit_code != BH_EXIT_DIED &&
		 e->exit_code != BH_EXIT_SAFE_STATE)
		job_fail(job, "fatal", "%s: %s", text_of(fatal, "name"), text_of(fatal, "how"));
}

/* pvpanic's word, if a panic is not what is wanted. */
static void judge_panic(struct job *job, const json_t *run)
{
	const json_t *p;
	size_t i;

	json_array_foreach(json_object_get(run, "partitions"), i, p)
	{
		if (job->matcher.panics && strcmp(text_of(p, "end"), "panic") == 0)
			job_fail(job, "panic", "%s: %s", text_of(p, "name"), text_of(p, "how"));
	}
}

static void judge_codes(struct job *job, const json_t *run)
{
	const struct suite_expect *e = &job->test->expect;
	bool any = e->fatal && !e->exit_code_loc.file;
	struct suite_result *r = &job->entry->result;
	char what[256], waits[WAITS_ROOM];

	waiting_for(job, waits);
	describe(run, false, what, sizeof(what));
	if (!any && r->exit_code != (int)e->exit_code)
		job_fail(job, "exit-code", "exit code %d, not %u%s%s%s", r->exit_code, e->exit_code,
			*what ? ": " : "", what, job->matcher.step < e->step_count ? waits : "");
	if (e->guest_code_loc.file && r->guest_code != (int64_t)e->guest_code) {
		if (r->guest_code < 0)
			job_fail(job, "exit-code", "the guest gave no code; %u is expected",
				e->guest_code);
		else
			job_fail(job, "exit-code", "the guest's code is %" PRId64 ", not %u",
				r->guest_code, e->guest_code);
	}
	if (job->matcher.step < e->step_count)
		job_fail(
			job, "missing-output", "it ended with exit code %d%s", r->exit_code, waits);
}

static void judge_contains(struct job *job)
{
	const struct suite_expect *e = &job->test->expect;
	char text[EXCERPT_ROOM];

	for (unsigned i = 0; i < e->contain_count; i++) {
		if (!job->matcher.contained[i])
			job_fail(job, "missing-output",
				"it ended with exit code %d; %s never showed",
				job->entry->result.exit_code, sign_text(&e->contains[i], text));
	}
}

static const char *messages_of(const struct job *job)
{
	return job->err.text.bytes ?: "";
}

static void judge_messages(struct job *job)
{
	const struct suite_expect *e = &job->test->expect;
	char line[EXCERPT_ROOM], text[EXCERPT_ROOM];

	for (unsigned i = 0; i < e->message_count; i++) {
		if (!match_text(&e->messages[i].pattern, messages_of(job), line))
			job_fail(job, "missing-output", "bulkhead did not say %s",
				sign_text(&e->messages[i], text));
	}
}

static uint64_t sum_exits(const json_t *partition)
{
	const json_t *c;
	uint64_t sum = 0;
	size_t i;

	json_array_foreach(json_object_get(partition, "counters"), i, c) sum +=
		number_of(c, "count");
	return sum;
}

static void judge_counts(struct job *job, const json_t *run)
{
	const struct suite_expect *e = &job->test->expect;
	uint64_t exits = 0, beats = 0, ns = NS_PER_S;
	const json_t *p;
	size_t i;

	json_array_foreach(json_object_get(run, "partitions"), i, p)
	{
		exits += sum_exits(p);
		beats += number_of(p, "beats");
		ns = max_u64(ns, number_of(p, "run_ns"));
		check_gap(job, text_of(p, "name"), number_of(p, "longest_beat_gap_ns"));
	}
	if (e->max_heartbeat_gap_ns && !beats)
		job_fail(job, "heartbeat", "no partition has ever kicked its heartbeat");
	/* Of a run shorter than a second, what it made of that second. */
	if (e->max_exits && (double)exits > (double)e->max_exits * ((double)ns / 1e9))
		job_fail(job, "exits",
			"%" PRIu64 " exits in %.3f s; max_exits_per_second allows %u", exits,
			(double)ns / 1e9, e->max_exits);
}

static void take_codes(struct job *job, const json_t *run)
{
	struct suite_result *r = &job->entry->result;
	const json_t *p, *code;
	size_t i;

	r->exit_code = job->code == CLD_EXITED ? job->status : -1;
	json_array_foreach(json_object_get(run, "partitions"), i, p)
	{
		code = json_object_get(p, "guest_code");
		if (json_is_integer(code) && (r->guest_code <= 0))
			r->guest_code = json_integer_value(code);
		if (!r->report && *text_of(p, "report"))
			r->report = strdup(text_of(p, "report"));
	}
}

/* What the run knows of outputs that do not show. */
static void add_hints(struct job *job, const json_t *run)
{
	const json_t *p, *hint;
	size_t i, k;

	json_array_foreach(json_object_get(run, "partitions"), i, p)
	{
		json_array_foreach(json_object_get(p, "hints"), k, hint)
		{
			job_add(job, "; ", text_of(p, "name"));
			job_add(job, ": ", json_string_value(hint));
		}
	}
}

/* What is judged of a run that nothing has been found wrong with while it went. */
static void judge_run(struct job *job, const json_t *run)
{
	struct suite_result *r = &job->entry->result;
	bool started = job->released_ns != 0;
	int size;
	const char *field = "", *why = first_words(complaint(run, &field), &size);
	const char *colon = *field ? ": " : "";

	if (job->code != CLD_EXITED)
		job_fail(job, "crash", "bulkhead run was killed by signal %d (%s)", job->status,
			sigabbrev_np(job->status) ?: "?");
	else if (!run)
		job_fail(job, "crash", "bulkhead run ended with exit code %d and gave no result",
			job->status);
	else if (!started && r->exit_code == BH_EXIT_HOST)
		job_fail(job, "host", "this host cannot run it: %s%s%.*s", field, colon, size, why);
	else if (!started)
		job_fail(job, "plan", "not started: %s%s%.*s", field, colon, size, why);
	if (*job->cause)
		return;
	judge_fatal(job, run);
	judge_panic(job, run);
	if (!job->stop_met)
		judge_codes(job, run);
	judge_contains(job);
	judge_messages(job);
	if (*job->cause && job->matcher.step < job->test->expect.step_count)
		add_hints(job, run);
	judge_counts(job, run);
}

/* What was found wrong at the end is excused by a sign that this host cannot. */
static void judge_skips(struct job *job)
{
	const struct suite_expect *e = &job->test->expect;
	char line[EXCERPT_ROOM] = "";

	for (unsigned i = 0; !*line && i < e->skip_count; i++)
		match_text(&e->skips[i].pattern, messages_of(job), line);
	if (*line) {
		free(job->text);
		job->text = NULL;
		*job->cause = '\0';
		job_fail(job, "needs", "this host cannot: \"%s\"", line);
	} else if (*job->matcher.skip_line) {
		job_fail(job, "needs", "all else is well, but this host cannot: \"%s\"",
			job->matcher.skip_line);
	}
}

/* Whether a case that did not pass is one that this host cannot run. */
static bool skipped(const struct job *job)
{
	bool required = job->options->require_kvm && !job->test->optional;

	return strcmp(job->cause, "needs") == 0 || (strcmp(job->cause, "host") == 0 && !required);
}

/* The console that said most. */
static char *console_tail(const struct job *job)
{
	const struct job_port *most = NULL;

	for (unsigned i = 0; i < job->port_count; i++) {
		if (!most || job->ports[i].match.total > most->match.total)
			most = &job->ports[i];
	}
	return most ? match_port_tail(&most->match, TAIL_LINES) : NULL;
}

void job_judge(struct job *job)
{
	struct suite_result *r = &job->entry->result;
	json_t *run = job->out.text.size
			      ? json_loadb(job->out.text.bytes, job->out.text.size, 0, NULL)
			      : NULL;

	r->ns = monotonic_ns() - job->spawned_ns;
	r->exit_code = -1;
	r->guest_code = -1;
	take_codes(job, run);
	if (!job->abandoned && !*job->cause) {
		judge_run(job, run);
		judge_skips(job);
	}
	r->tail = console_tail(job);
	r->messages = job->err.text.bytes;
	job->err.text.bytes = NULL;
	if (job->abandoned)
		r->verdict = SUITE_NOT_RUN;
	else if (!*job->cause)
		r->verdict = SUITE_PASS;
	else if (skipped(job))
		r->verdict = SUITE_SKIP;
	else
		r->verdict = SUITE_FAIL;
	memcpy(r->cause, job->cause, sizeof(r->cause));
	r->text = job->text;
	job->text = NULL;
	job_name_diagnosis(job);
	if (job->artifacts) {
		artifacts_finish(job->artifacts, job, run);
		r->artifacts = strdup(artifacts_path(job->artifacts));
	}
	json_decref(run);
}
