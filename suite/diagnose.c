/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a guest does not do what it should: before a run that came too late is ended, it is asked
 * what its guests are at (SIGUSR1), and the failure says so. What it has told of silence meanwhile
 * is kept, too.
 */
#include "suite/job.h"

#include "lib/symbolise.h"

#include <signal.h>
#include <string.h>

/* Of a case; of more, the start is kept. */
#define DIAGNOSIS_MAX (256 * KIB)

/* Failures of guests that go on, and might say more about it. */
static bool is_asked(const char *cause)
{
	static const char *const causes[] = {"timeout", "milestone", "heartbeat", "panic"};

	for (unsigned i = 0; i < ARRAY_SIZE(causes); i++) {
		if (strcmp(cause, causes[i]) == 0)
			return true;
	}
	return false;
}

bool job_ask(struct job *job)
{
	if (job->abandoned || !is_asked(job->cause) || !job->released_ns || job->wound_down)
		return false;
	for (unsigned i = 0; i < job->test->plan->partition_count; i++)
		job->asked += !job->samples[i].ended;
	return job->asked && !kill(job->pid, SIGUSR1);
}

static void add_text(struct job *job, const char *partition, const char *text)
{
	struct job_text *t = &job->diagnosis;

	if (strcmp(job->diagnosed, partition) != 0) {
		snprintf(job->diagnosed, sizeof(job->diagnosed), "%s", partition);
		job_text_add(t, DIAGNOSIS_MAX, t->size ? "\n" : "", t->size != 0);
		job_text_add(t, DIAGNOSIS_MAX, partition, strlen(partition));
		job_text_add(t, DIAGNOSIS_MAX, ":\n", 2);
	}
	job_text_add(t, DIAGNOSIS_MAX, text, strlen(text));
}

void job_take_inspection(struct job *job, const char *partition, const char *text)
{
	add_text(job, partition, text);
}

void job_take_silence(struct job *job, const char *partition, const char *text)
{
	add_text(job, partition, text);
	add_text(job, partition, "\n");
}

void job_add(struct job *job, const char *before, const char *text)
{
	char *longer;

	if (!job->text || asprintf(&longer, "%s%s%s", job->text, before, text) < 0)
		return;
	free(job->text);
	job->text = longer;
}

bool job_take_answer(struct job *job, const char *partition, const char *summary)
{
	if (!job->asked)
		return false;
	job_add(job, "; ", partition);
	job_add(job, ": ", summary);
	return !--job->asked;
}

/* ---- names in backtraces ---- */

/* Whose lines follow the line at TEXT; NULL: it is no such line. */
static const struct plan_partition *speaker(const struct plan *plan, const char *text)
{
	size_t n = strcspn(text, "\n");

	for (unsigned i = 0; i < plan->partition_count; i++) {
		const char *name = plan->partitions[i].name;

		if (n == strlen(name) + 1 && strncmp(text, name, n - 1) == 0 && text[n - 1] == ':')
			return &plan->partitions[i];
	}
	return NULL;
}

/* Lines of P (NULL: of nobody). */
static void print_named(const struct plan_partition *p, const char *lines, FILE *f)
{
	AUTO_FREE char *named = NULL;

	if (p && symbolise_wanted(lines))
		symbolise_by(p->symbols ?: p->image, lines, &named);
	fputs(named ?: lines, f);
}

static void print_all_named(const struct plan *plan, char *text, FILE *f)
{
	const struct plan_partition *p = NULL;
	char *start = text;

	for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const struct plan_partition *next = speaker(plan, line);
		char first = *line;

		if (!next)
			continue;
		*line = '\0';
		print_named(p, start, f);
		*line = first;
		start = line;
		p = next;
	}
	print_named(p, start, f);
}

void job_name_diagnosis(struct job *job)
{
	struct job_text *t = &job->diagnosis;
	char *named = NULL;
	size_t size;
	FILE *f = t->size && symbolise_wanted(t->bytes) ? open_memstream(&named, &size) : NULL;

	if (!f)
		return;
	print_all_named(job->test->plan, t->bytes, f);
	if (fclose(f)) {
		free(named);
		return;
	}
	free(t->bytes);
	*t = (struct job_text){.bytes = named, .size = size, .room = size + 1, .lost = t->lost};
}
