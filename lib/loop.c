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
};

static int loop_create_on(const struct loop_backend *backend, struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int ret;

	if (!loop)
		return -ENOMEM;
	loop->backend = backend;
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

static int dispatch(struct loop *loop, const struct loop_event *event)
{
	uint32_t index = (uint32_t)event->tag;
	struct loop_watch *w;

	if (index >= LOOP_WATCHES_MAX || slot_tag(loop, (int)index) != event->tag)
		return 0;
	w = loop->slots[index].watch;
	if (!w)
		return 0;
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
		for (int i = 0; i < n && !loop->stopped; i++) {
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

static void timer_ready(struct loop_watch *w, uint32_t revents)
{
	struct loop_timer *t = container_of(w, struct loop_timer, watch);
	uint64_t expirations;

	(void)revents;
	if (read(w->fd, &expirations, sizeof(expirations)) != sizeof(expirations))
		return;
	t->running = false;
	t->expired(t);
}

int loop_timer_init(struct loop *loop, struct loop_timer *t, void (*expired)(struct loop_timer *t))
{
	int ret;

	*t = (struct loop_timer){.watch = LOOP_WATCH_INIT, .expired = expired, .loop = loop};
	t->watch.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->watch.fd < 0)
		return -errno;
	t->watch.events = POLLIN;
	t->watch.ready = timer_ready;
	ret = loop_watch(loop, &t->watch);
	if (ret)
		fd_close(&t->watch.fd);
	return ret;
}

static void timer_set(struct loop_timer *t, uint64_t ns)
{
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(ns / 1000000000),
					  .tv_nsec = (long)(ns % 1000000000)}};

	t->running = ns != 0;
	timerfd_settime(t->watch.fd, 0, &when, NULL);
}

void loop_timer_start(struct loop_timer *t, uint64_t ns)
{
	timer_set(t, ns ? ns : 1);
}

void loop_timer_stop(struct loop_timer *t)
{
	if (t->running)
		timer_set(t, 0);
}

void loop_timer_fini(struct loop_timer *t)
{
	if (!t->loop)
		return;
	loop_unwatch(t->loop, &t->watch);
	fd_close(&t->watch.fd);
	t->loop = NULL;
}
