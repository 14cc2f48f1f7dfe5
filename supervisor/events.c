/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/events.h"

#include "supervisor/run.h"

#include <errno.h>
#include <stdarg.h>
#include <time.h>

static uint64_t realtime_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int event_log_init(struct event_log *log)
{
	/* Pages that no event has come to are never touched. */
	log->events = calloc(EVENTS_MAX, sizeof(*log->events));
	return log->events ? 0 : -ENOMEM;
}

void event_log_fini(struct event_log *log)
{
	free(log->events);
	log->events = NULL;
}

void run_event(struct run *run, const struct child *child, const char *kind, const char *fmt, ...)
{
	struct event_log *log = &run->events;
	struct event *e;
	va_list ap;

	if (!log->events)
		return;
	e = &log->events[log->count % EVENTS_MAX];
	*e = (struct event){.number = ++log->count,
		.realtime_ns = realtime_ns(),
		.monotonic_ns = monotonic_ns()};
	snprintf(e->partition, sizeof(e->partition), "%s", child ? child->plan->name : "");
	snprintf(e->kind, sizeof(e->kind), "%s", kind);
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	/* A follower may leave when it is called. */
	for (struct event_follower *f = log->followers, *next; f; f = next) {
		next = f->next;
		f->happened(f, e);
	}
}

const struct event *event_get(const struct event_log *log, uint64_t number)
{
	if (!log->events || !number || number > log->count || number + EVENTS_MAX <= log->count)
		return NULL;
	return &log->events[(number - 1) % EVENTS_MAX];
}

void event_follow(struct event_log *log, struct event_follower *f)
{
	f->next = log->followers;
	log->followers = f;
}

void event_unfollow(struct event_log *log, struct event_follower *f)
{
	for (struct event_follower **at = &log->followers; *at; at = &(*at)->next) {
		if (*at != f)
			continue;
		*at = f->next;
		return;
	}
}
