/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a guest does not do what it should: before a run that came too late is ended, it is asked
 * what its guests are at (SIGUSR1), and the failure says so. What it has told of silence meanwhile
 * is kept, too.
 */
#include "suite/job.h"

#include <signal.h>
#include <string.h>

/* Of a case; of more, the start is kept. */
#define DIAGNOSIS_MAX (256 * KIB)

/* Failures of guests that go on, and might say more about it. */
static bool is_asked(const char *cause)
{
	static const char *const causes[] = {"timeout", "milestone", "heartbeat"};

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
