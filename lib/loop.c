/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/loop.h"

#include "lib/loop_backend.h"
#include "lib/util.h"

#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>

#define EVENTS_PER_WAIT 16

/*
 * A slot's generation is part of the tag, so that an event of a watch that is gone already, or was
 * changed, is told from one of the watch that has the slot now.
 */
struct slot {
	struct loop_watch *watch;
	uint32_t generation;
};

struct loop {
	const struct loop_backend *backend;
	void *state;
	bool stopped;
	struct slot slots[LOOP_WATCHES_MAX];
	/* One timerfd for all timers, armed for the earliest; made with the first of them. */
	struct loop_watch clock;
	struct loop_timer *timers; /* that are running, in the order in which they expire */
};

static int loop_create_on(const struct loop_backend *backend, struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int ret;

	if (!loop)
		return -ENOMEM;
	loop->backend = backend;
	loop->clock = LOOP_WATCH_INIT;
	ret = backend->create(&loop->state);
	if (ret)
		free(loop);
	else
		*ret_loop = loop;
	return ret;
}

int loop_create(struct loop **ret_loop)
{
	if (loop_create_on(&loop_backend_uring, ret_loop) == 0)
		return 0;
	return loop_create_epoll(ret_loop);
}

int loop_create_epoll(struct loop **ret_loop)
{
	return loop_create_on(&loop_backend_epoll, ret_loop);
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	loop->backend->destroy(loop->state);
	fd_close(&loop->clock.fd);
	free(loop);
}

const char *loop_backend(const struct loop *loop)
{
	return loop->backend->name;
}

static uint64_t slot_tag(const struct loop *loop, int slot)
{
	return (uint64_t)loop->slots[slot].generation << 32 | (uint32_t)slot;
}

static int slot_arm(struct loop *loop, int slot)
{
	const struct loop_watch *w = loop->slots[slot].watch;

	return loop->backend->arm(loop->state, w->fd, w->events, slot_tag(loop, slot));
}

int loop_watch(struct loop *loop, struct loop_watch *w)
{
	int slot = -1, ret;

	loop_unwatch(loop, w);
	for (int i = LOOP_WATCHES_MAX - 1; i >= 0; i--) {
		if (!loop->slots[i].watch)
			slot = i;
		else if (loop->slots[i].watch->fd == w->fd)
			return -EEXIST;
	}
	if (slot < 0)
		return -ENOSPC;
	loop->slots[slot].watch = w;
	ret = slot_arm(loop, slot);
	if (ret)
		loop->slots[slot].watch = NULL;
	else
		w->slot = slot;
	return ret;
}

void loop_unwatch(struct loop *loop, struct loop_watch *w)
{
	if (w->slot < 0)
		return;
	loop->backend->disarm(loop->state, w->fd, slot_tag(loop, w->slot));
	loop->slots[w->slot].watch = NULL;
	loop->slots[w->slot].generation++;
	w->slot = -1;
}

/* An event after a stop is for whoever runs the loop again: back-ends tell it once per arming. */
static int dispatch(struct loop *loop, const struct loop_event *event)
{
	uint32_t index = (uint32_t)event->tag;
	struct loop_watch *w;

	if (index >= LOOP_WATCHES_MAX || slot_tag(loop, (int)index) != event->tag)
		return 0;
	w = loop->slots[index].watch;
	if (!w)
		return 0;
	if (!loop->stopped)
		w->ready(w, event->revents);
	/* The callback may have unwatched or changed it. */
	if (loop->slots[index].watch == w && slot_tag(loop, (int)index) == event->tag)
		return slot_arm(loop, (int)index);
	return 0;
}

int loop_run(struct loop *loop)
{
	struct loop_event events[EVENTS_PER_WAIT];

	loop->stopped = false;
	while (!loop->stopped) {
		int n = loop->backend->wait(loop->state, events, EVENTS_PER_WAIT);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return n;
		for (int i = 0; i < n; i++) {
			int ret = dispatch(loop, &events[i]);

			if (ret)
				return ret;
		}
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

/* ---- timers ---- */

/* Arms the clock for the first timer; without one it stays silent. */
static void clock_arm(struct loop *loop)
{
	struct itimerspec when = {0};

	if (loop->timers) {
		when.it_value.tv_sec = (time_t)(loop->timers->due_ns / 1000000000);
		when.it_value.tv_nsec = (long)(loop->timers->due_ns % 1000000000);
	}
	timerfd_settime(loop->clock.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void timer_add(struct loop_timer *t)
{
	struct loop_timer **at = &t->loop->timers;

	while (*at && (*at)->due_ns <= t->due_ns)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
	t->running = true;
}

static void timer_remove(struct loop_timer *t)
{
	struct loop_timer **at = &t->loop->timers;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->running = false;
}

static void clock_ready(struct loop_watch *w, uint32_t revents)
{
	struct loop *loop = container_of(w, struct loop, clock);
	uint64_t expirations, now = monotonic_ns();
	struct loop_timer *t;

	(void)revents;
	(void)!read(w->fd, &expirations, sizeof(expirations));
	/* Each callback may start, stop or finish any timer. One it starts is due after `now`. */
	while (!loop->stopped && (t = loop->timers) && t->due_ns <= now) {
		timer_remove(t);
		t->expired(t);
	}
	clock_arm(loop);
}

static int clock_create(struct loop *loop)
{
	int ret;

	loop->clock.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->clock.fd < 0)
		return -errno;
	loop->clock.events = POLLIN;
	loop->clock.ready = clock_ready;
	ret = loop_watch(loop, &loop->clock);
	if (ret)
		fd_close(&loop->clock.fd);
	return ret;
}

int loop_timer_init(struct loop *loop, struct loop_timer *t, void (*expired)(struct loop_timer *t))
{
	*t = (struct loop_timer){.expired = expired, .loop = loop};
	return loop->clock.fd < 0 ? clock_create(loop) : 0;
}

void loop_timer_start(struct loop_timer *t, uint64_t ns)
{
	struct loop *loop = t->loop;

	if (t->running)
		timer_remove(t);
	/* A century and more: no sum that wraps. */
	t->due_ns = monotonic_ns() + min_u64(max_u64(ns, 1), UINT64_MAX / 4);
	timer_add(t);
	clock_arm(loop);
}

void loop_timer_stop(struct loop_timer *t)
{
	if (!t->running)
		return;
	timer_remove(t);
	clock_arm(t->loop);
}

void loop_timer_fini(struct loop_timer *t)
{
	if (t->loop)
		loop_timer_stop(t);
	t->loop = NULL;
}
