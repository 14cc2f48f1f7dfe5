/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lines that a guest logs through its control page or by a hypercall, on their way to the
 * supervisor. vCPU threads put them into a queue of fixed size and never wait; the I/O thread sends
 * them on, a few at a time. Lines that find the queue full are dropped and counted, and the count
 * is told with the next message.
 */
#ifndef PARTITION_GUESTLOG_H
#define PARTITION_GUESTLOG_H

#include "include/bulkhead/control.h"
#include "lib/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define GUESTLOG_LINES 64 /* waiting; a power of two */

/* So many lines are sent in so much time: 40 per second in the long run. */
#define GUESTLOG_TURN_LINES 10
#define GUESTLOG_TURN_NS    250000000

struct guestlog_line {
	uint16_t size;
	char text[BULKHEAD_LOG_MAX];
};

struct guestlog {
	int supervisor_fd;    /* borrowed */
	int wake_fd;          /* eventfd that leads to guestlog_pump; borrowed */
	pthread_mutex_t lock; /* of the vCPU threads among themselves: they write at head in turn */
	struct guestlog_line lines[GUESTLOG_LINES];
	atomic_uint head;         /* where the next line goes: vCPU threads' */
	atomic_uint tail;         /* the next line to be sent: the I/O thread's */
	_Atomic uint64_t dropped; /* since the supervisor was told */
	/* The I/O thread's. */
	uint64_t dropped_before;
	unsigned budget;        /* lines that may be sent before the turn is over */
	struct loop_timer turn; /* runs while the budget is not the full one */
};

/* 0, or the error of loop_timer_init. There is no end to it: it lives as long as its process. */
int guestlog_init(struct guestlog *g, struct loop *loop, int supervisor_fd, int wake_fd);

/* A line of at most BULKHEAD_LOG_MAX bytes, of which what is too much is cut. Any thread. */
void guestlog_put(struct guestlog *g, const char *text, size_t size);

/* I/O thread: wake_fd was readable. */
void guestlog_pump(struct guestlog *g);

/* I/O thread, the guest runs no more: sends what there is. */
void guestlog_flush(struct guestlog *g);

/* Lines that the guest has logged, ever. I/O thread. */
uint64_t guestlog_count(const struct guestlog *g);

/* I/O thread: lines that were dropped, or have not been sent. */
uint64_t guestlog_lost(const struct guestlog *g);

#endif
