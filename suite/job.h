/* SPDX-License-Identifier: BSD-3-Clause */
/* One attempt at one case: its process, what it says, and what is made of it. */
#ifndef SUITE_JOB_H
#define SUITE_JOB_H

#include "lib/loop.h"
#include "lib/util.h"
#include "suite/match.h"
#include "suite/runner.h"

#include <jansson.h>
#include <sys/types.h>

/* What is kept of the process's own output: a result, messages, one event. */
#define JOB_RESULT_MAX   (4 * MIB)
#define JOB_MESSAGES_MAX (64 * KIB)

/* How long a run may still take when its guests have ended just before the deadline. */
#define JOB_WIND_DOWN_NS 10000000000

struct job;

struct job_text {
	char *bytes; /* NUL-terminated, once there are any */
	size_t size, room;
	uint64_t lost;
};

struct job_stream {
	struct job *job;
	struct loop_watch watch;
	struct job_text text;
	size_t max;
};

struct job_port {
	struct job *job;
	struct loop_watch watch;
	struct match_port match;
	struct artifact *log; /* NULL: none */
	unsigned plan_partition;
};

struct job_sample {
	bool ended;
	uint64_t exits, ns;
	uint64_t rate; /* exits per second at last */
	uint64_t beats;
};

struct job {
	struct loop *loop;
	const struct suite_runner_options *options;
	struct suite_entry *entry;
	const struct suite_case *test;
	void (*ending)(struct job *job); /* no guest runs any more: it takes no core to speak of */
	void (*done)(struct job *job);   /* the process is gone, the result complete */
	void *ctx;

	pid_t pid;  /* its own process group */
	int status; /* waitid's si_status, and si_code */
	int code;
	struct loop_watch exited;
	struct job_stream out, err, events;
	struct loop_timer deadline, milestone, linger;
	unsigned port_count;
	struct job_port *ports;
	struct matcher matcher;
	struct job_sample *samples;  /* one for each partition */
	struct artifacts *artifacts; /* NULL: none are kept */

	uint64_t spawned_ns;
	uint64_t released_ns; /* 0: not yet */
	uint64_t last_output_ns;
	bool wound_down; /* no guest runs any more */
	bool late;       /* ... but the deadline passed before the process was gone */
	bool stopping;   /* it was told to end */
	bool over;       /* its process is gone */
	bool abandoned;  /* ... and what comes of it does not count */
	bool stop_met;   /* ... because all was there that the case waits for */

	/* suite/diagnose.c */
	unsigned asked;            /* partitions that have not said yet what they are at */
	struct job_text diagnosis; /* what partitions were at, in lines */
	char diagnosed[64];        /* whose lines came last */

	/* Why it has failed, once that is known. */
	char cause[SUITE_CAUSE_MAX];
	char *text;
};

/* Starts it on CORES (NULL: anywhere). 0, or a negative errno and nothing is left of it. */
int job_start(struct job *job, const cpu_set_t *cores);

/* Tells it to end. */
void job_stop(struct job *job);

/* Tells it to end, and what comes of it does not count. */
void job_abandon(struct job *job);

void job_destroy(struct job *job);

/* Notes why it failed, unless that is known already, and tells it to end. */
void job_fail(struct job *job, const char *cause, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* ---- suite/steps.c ---- */

/* The matcher's callback: STEP has shown on MATCH, or is to be typed there. CTX is the job. */
void job_step_matched(void *ctx, const struct suite_step *step, const struct match_port *match);

/* Of the timer of job.milestone. */
void job_milestone_expired(struct loop_timer *t);

/* ---- suite/judge.c ---- */

/* What its deadline found it at. */
void job_timed_out(struct job *job);

/* Fills in the entry's result, the process being gone. */
void job_judge(struct job *job);

/* A line of JSON from the run: an event, or a sample. */
void job_event(struct job *job, const char *line, size_t size);

/* What is kept of T, at most MAX bytes, becomes longer. */
void job_text_add(struct job_text *t, size_t max, const char *bytes, size_t size);

/* What it was asked (job_ask) is answered, or will not be: it is told to end. */
void job_answered(struct job *job);

/* ---- suite/diagnose.c ---- */

/* Asks the run, which has failed, what its guests are at, where that may say more. Whether it did.
 */
bool job_ask(struct job *job);

/* Events: some lines of an inspection; one line, of a partition that says nothing. */
void job_take_inspection(struct job *job, const char *partition, const char *text);
void job_take_silence(struct job *job, const char *partition, const char *text);

/* An event: what PARTITION is at, in one line. True when that was the last that was asked for. */
bool job_take_answer(struct job *job, const char *partition, const char *summary);

/* Puts names to the backtraces in job->diagnosis. */
void job_name_diagnosis(struct job *job);

/* Appends to why it has failed. */
void job_add(struct job *job, const char *before, const char *text);

/* ---- suite/artifacts.c ---- */

/* Makes the case's folder, with PLAN (YAML) in it. NULL when it cannot: the case runs all the same.
 */
struct artifacts *artifacts_create(const struct job *job, const char *plan, size_t plan_size);
const char *artifacts_path(const struct artifacts *a);

/* A console's log, each line with the time after the guest's start in front; bounded. */
struct artifact *artifact_console(struct artifacts *a, const struct match_port *port);
void artifact_write(struct artifact *log, uint64_t ns, const char *bytes, size_t size);
void artifact_close(struct artifact *log);

/* One more line of events.jsonl. */
void artifacts_event(struct artifacts *a, const char *line, size_t size);

/*
 * What is known at the end: result.json, messages.log, registers.txt, diagnosis.txt. Cores of what
 * has passed go.
 */
void artifacts_finish(struct artifacts *a, const struct job *job, const json_t *run);

void artifacts_destroy(struct artifacts *a);

#endif
