/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happened in a run: a ring of the latest events, for whoever asks and for whoever follows.
 * Kinds are words of the control protocol (docs/control-protocol.md): "state", "fatal", "parked",
 * "machine", "safe-state", "restart", "stop", "veto", "error", "end".
 */
#ifndef SUPERVISOR_EVENTS_H
#define SUPERVISOR_EVENTS_H

#include "lib/util.h"

#include <stdint.h>

struct run;
struct child;

#define EVENTS_MAX       1024 /* kept: those of a partition that restarts in a loop for minutes */
#define EVENTS_LOG_MAX   256  /* beside them: what guests log would soon displace the others */
#define EVENT_TEXT_MAX   640
#define EVENT_KIND_MAX   16
#define EVENT_PEOPLE_MAX 33 /* a partition's name and a NUL */

struct event {
	uint64_t number; /* from 1, without gaps */
	uint64_t realtime_ns;
	uint64_t monotonic_ns;
	char partition[EVENT_PEOPLE_MAX]; /* empty: the run's */
	char kind[EVENT_KIND_MAX];
	char text[EVENT_TEXT_MAX];
};

/* Embedded by whoever follows; called on the supervisor's thread, and must not block. */
struct event_follower {
	void (*happened)(struct event_follower *f, const struct event *e);
	struct event_follower *next; /* the log's */
};

struct event_ring {
	struct event *events; /* SIZE of them */
	unsigned size;
	uint64_t count; /* ever; the latest is at [(count - 1) % size] */
};

struct event_log {
	struct event_ring rings[2]; /* of "log", and of all others */
	uint64_t count;             /* ever: the number of the latest */
	struct event_follower *followers;
};

/* 0 or -ENOMEM. Before it, and after the other, nothing is kept and nobody told. */
int event_log_init(struct event_log *log);
void event_log_fini(struct event_log *log);

/* Notes an event of CHILD (NULL: of the run). TEXT needs no newline. */
void run_event(struct run *run, const struct child *child, const char *kind, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* The first event after NUMBER that is still kept, or NULL. */
const struct event *event_after(const struct event_log *log, uint64_t number);

void event_follow(struct event_log *log, struct event_follower *f);
/* Legal for one that does not follow. */
void event_unfollow(struct event_log *log, struct event_follower *f);

#endif
