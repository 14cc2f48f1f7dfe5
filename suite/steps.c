/* SPDX-License-Identifier: BSD-3-Clause */
/* What a case's steps lead to, one by one: what is typed, deadlines that are met or missed, the
 * end. */
#include "suite/job.h"

#include <string.h>
#include <sys/socket.h>

/* Waits for the earliest deadline of the steps that are still to come. */
static void await_milestone(struct job *job)
{
	const struct suite_expect *e = &job->test->expect;
	uint64_t due = UINT64_MAX, now = monotonic_ns();

	loop_timer_stop(&job->milestone);
	for (unsigned i = job->matcher.step; job->released_ns && i < e->step_count; i++) {
		if (e->steps[i].within_ns)
			due = min_u64(due, job->released_ns + e->steps[i].within_ns);
	}
	if (due != UINT64_MAX)
		loop_timer_start(&job->milestone, due > now ? due - now : 1);
}

void job_milestone_expired(struct loop_timer *t)
{
	struct job *job = container_of(t, struct job, milestone);
	const struct suite_expect *e = &job->test->expect;
	uint64_t now = monotonic_ns();

	for (unsigned i = job->matcher.step; i < e->step_count; i++) {
		const struct suite_step *s = &e->steps[i], *next = &e->steps[job->matcher.step];
		char name[EXCERPT_ROOM], first[EXCERPT_ROOM];
		bool waits = i != job->matcher.step;

		if (!s->within_ns || job->released_ns + s->within_ns > now)
			continue;
		job_fail(job, "milestone", "%s did not show within %.3f s of the start%s%s",
			step_text(s, name), (double)s->within_ns / 1e9,
			waits ? "; the case still waited for " : "",
			waits ? step_text(next, first) : "");
		return;
	}
	await_milestone(job);
}

static struct job_port *port_of(struct job *job, const struct match_port *match)
{
	for (unsigned i = 0; i < job->port_count; i++) {
		if (&job->ports[i].match == match)
			return &job->ports[i];
	}
	return NULL;
}

/* A guest that does not read loses nothing: the socket takes all of a text, or it was too much. */
static bool type_once(const struct suite_step *s, int fd)
{
	size_t size = strlen(s->send);

	return (!size || send(fd, s->send, size, MSG_NOSIGNAL) == (ssize_t)size) &&
	       (!s->enter || send(fd, "\r", 1, MSG_NOSIGNAL) == 1);
}

static void type(struct job *job, const struct suite_step *s, const struct match_port *match)
{
	struct job_port *port = match ? port_of(job, match) : NULL;
	char name[EXCERPT_ROOM];
	unsigned times = s->pattern.text || s->pattern.regex ? 1 : s->times;
	bool ok = port && port->watch.fd >= 0;

	if (!ok && job->stopping)
		return;
	for (unsigned i = 0; ok && i < times; i++)
		ok = type_once(s, port->watch.fd);
	if (!ok)
		job_fail(job, "missing-output", "%s: what follows it cannot be typed: %s",
			step_text(s, name),
			port ? "the guest does not read" : "no console is there");
}

void job_step_matched(void *ctx, const struct suite_step *s, const struct match_port *match)
{
	struct job *job = ctx;

	if (s->send)
		type(job, s, match);
	/* The matcher is one step further already. */
	if (job->matcher.step < job->test->expect.step_count) {
		await_milestone(job);
		return;
	}
	loop_timer_stop(&job->milestone);
	if (job->test->expect.stop && !*job->cause) {
		job->stop_met = true;
		job_stop(job);
	}
}
