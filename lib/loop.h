/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Event loop: calls back when descriptors are ready. On io_uring (liburing); where the host forbids
 * io_uring (container seccomp profiles, kernel.io_uring_disabled) on epoll, with the same
 * behaviour: level-triggered, callbacks one at a time.
 *
 * A loop belongs to one thread. Callbacks may watch, unwatch and stop; they must not destroy the
 * loop.
 */
#ifndef LIB_LOOP_H
#define LIB_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/*
 * Embedded by its user; must stay in place while watched. One watch per descriptor: who waits for
 * input and for output of one file watches two descriptors of it (dup).
 */
struct loop_watch {
	int fd;
	uint32_t events; /* POLLIN, POLLOUT */
	/* REVENTS also says POLLHUP and POLLERR. */
	void (*ready)(struct loop_watch *w, uint32_t revents);
	int slot; /* the loop's; -1 while not watched. Initialise with LOOP_WATCH_INIT. */
};

#define LOOP_WATCH_INIT                                                                            \
	(struct loop_watch)                                                                        \
	{                                                                                          \
		.fd = -1, .slot = -1                                                               \
	}

#define LOOP_WATCHES_MAX 256

/* 0, or the errno of epoll_create1 or memory, negative. */
int loop_create(struct loop **ret_loop);
/* The same on epoll, without trying io_uring. */
int loop_create_epoll(struct loop **ret_loop);
void loop_destroy(struct loop *loop);

/* "io_uring" or "epoll". */
const char *loop_backend(const struct loop *loop);

/*
 * Starts watching W->fd for W->events; legal while watched already, to change the events. A regular
 * file is always ready. 0, -EEXIST when another watch has that descriptor, -ENOSPC when there are
 * too many watches, or a negative errno; W is not watched then.
 */
int loop_watch(struct loop *loop, struct loop_watch *w);

/* Stops watching; legal when not watched. The callback is not called any more. */
void loop_unwatch(struct loop *loop, struct loop_watch *w);

/* Runs until loop_stop. 0 or a negative errno. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Embedded by its user; must stay in place while running. */
struct loop_timer {
	void (*expired)(struct loop_timer *t);
	struct loop *loop;
	struct loop_timer *next; /* the loop's */
	uint64_t due_ns;         /* CLOCK_MONOTONIC */
	bool running;
};

/* Makes a timer that is not running. 0 or a negative errno. */
int loop_timer_init(struct loop *loop, struct loop_timer *t, void (*expired)(struct loop_timer *t));

/*
 * Expires once, NS nanoseconds from now (at least 1), after those that are due before it; restarts a
 * running one.
 */
void loop_timer_start(struct loop_timer *t, uint64_t ns);

/* Legal on one that is not running. */
void loop_timer_stop(struct loop_timer *t);

static inline bool loop_timer_running(const struct loop_timer *t)
{
	return t->running;
}

/* Legal on a timer that failed to init or was finished. */
void loop_timer_fini(struct loop_timer *t);

#endif
