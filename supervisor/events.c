/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/events.h"

#include "supervisor/run.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
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
	struct event *events = calloc(EVENTS_LOG_MAX + EVENTS_MAX, sizeof(*events));

	if (!events)
		return -ENOMEM;
	log->rings[0] = (struct event_ring){.events = events, .size = EVENTS_LOG_MAX};
	log->rings[1] = (struct event_ring){.events = events + EVENTS_LOG_MAX, .size = EVENTS_MAX};
	return 0;
}

void event_log_fini(struct event_log *log)
{
	free(log->rings[0].events);
	memset(log->rings, 0, sizeof(log->rings));
}

void run_event(struct run *run, const struct child *child, const char *kind, const char *fmt, ...)
{
	struct event_log *log = &run->events;
	struct event_ring *ring = &log->rings[strcmp(kind, "log") != 0];
	struct event *e;
	va_list ap;

	if (!ring->events)
		return;
	e = &ring->events[ring->count++ % ring->size];
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

/* Numbers in a ring only ever grow: a binary search. */
static const struct event *ring_after(const struct event_ring *ring, uint64_t number)
{
	uint64_t low = ring->count > ring->size ? ring->count - ring->size : 0, high = ring->count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (ring->events[middle % ring->size].number <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ring->count ? &ring->events[low % ring->size] : NULL;
}

const struct event *event_after(const struct event_log *log, uint64_t number)
{
	const struct event *a = ring_after(&log->rings[0], number);
	const struct event *b = ring_after(&log->rings[1], number);

	return a && (!b || a->number < b->number) ? a : b;
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
