/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Character back-end: what stands between a port (a UART, a port of a virtio console) and the I/O
 * thread that owns the file, pipe or terminal. The device side never blocks and never sees a
 * descriptor.
 *
 * Output: the device pushes bytes into `tx`; the I/O thread drains it. While the reader makes
 * progress nothing is lost: a full ring makes the port look busy, as a real line at its rate does.
 * Once the I/O thread finds that the reader has stopped reading (`stalled`), bytes that do not fit
 * are dropped and counted, so that a dead reader cannot hold up a guest that polls.
 *
 * Input: the I/O thread calls front.receive with bytes; the device takes what its FIFO holds, and
 * asks for more with chardev_kick when the guest has read them.
 */
#ifndef DEVICES_CHARDEV_H
#define DEVICES_CHARDEV_H

#include "lib/ring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHARDEV_TX_SIZE 65536 /* bytes: half a second of a fast boot log */

struct chardev_front {
	void *ctx;
	/* I/O thread: N bytes came; how many were taken (the rest is offered again later). */
	size_t (*receive)(void *ctx, const uint8_t *data, size_t n);
	/* I/O thread: tx, which refused a byte, has room again, or its reader has stalled. */
	void (*drained)(void *ctx);
	/* I/O thread: what the chardev says of the other side is not what it was. NULL: never mind.
	 */
	void (*changed)(void *ctx);
	/* I/O thread: whether the guest has set the port up. NULL: nobody knows. */
	bool (*in_use)(void *ctx);
};

struct chardev {
	pthread_mutex_t put_lock; /* guards tx's producer side: ports may share a back-end */
	struct ring tx;
	uint8_t tx_bytes[CHARDEV_TX_SIZE];
	int wake_fd;                /* eventfd of the I/O thread; -1: nobody drains (tests) */
	atomic_bool stalled;        /* set and cleared by the I/O thread: chardev_set_stalled */
	atomic_bool refused;        /* chardev_put refused a byte; front.drained is owed */
	_Atomic uint64_t dropped;   /* bytes lost to a reader that stalled or is gone */
	struct chardev_front front; /* set by the device before the start */
	/* The I/O thread's: the other side. */
	bool open;              /* somebody is there, or may be at any time */
	uint16_t columns, rows; /* its size, if it is a terminal; else 0 */
};

/* Device side, any thread. */

/*
 * Queues BYTE. False when the ring is full and the reader is alive: the port must look busy. When
 * the reader has stalled, a byte that does not fit is dropped, counted, and true is returned.
 */
bool chardev_put(struct chardev *c, uint8_t byte);

/* The same for N bytes, of which the first so many were taken. */
size_t chardev_write(struct chardev *c, const uint8_t *data, size_t n);

/* The same for a port that cannot look busy: a byte that is refused is dropped and counted. */
void chardev_put_or_drop(struct chardev *c, uint8_t byte);

/* Wakes the I/O thread: input can be taken again. Any thread. */
void chardev_kick(struct chardev *c);

/* Bytes that the device has written, ever. Any thread. */
uint64_t chardev_written(const struct chardev *c);

/* I/O thread. */

/*
 * The last bytes that the guest has written, read or not: at most SIZE, into BUF; how many. While
 * the device writes nothing.
 */
size_t chardev_last(const struct chardev *c, uint8_t *buf, size_t size);

/*
 * Says that N bytes, which ring_peek on tx showed, are written, and calls front.drained when it is
 * owed. The device wakes the I/O thread only when it puts a byte into an empty tx: peek again after
 * this until nothing is left, and only then sleep.
 */
void chardev_tx_drop(struct chardev *c, size_t n);

/* Marks the reader as stalled, or as reading again. */
void chardev_set_stalled(struct chardev *c, bool stalled);

/* WAKE_FD is borrowed, non-blocking, and may be -1. front is empty until a device fills it in. */
void chardev_init(struct chardev *c, int wake_fd);

#endif
