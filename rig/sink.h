/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where output goes, in a way that never blocks: signals are blocked in a session, and nobody could
 * end it while it waits for a reader who does not read.
 */
#ifndef RIG_SINK_H
#define RIG_SINK_H

#include <stddef.h>
#include <stdint.h>

struct sink {
	int fd; /* -1: it cannot be had, or is lost */
	size_t write_max;
};

/*
 * For FD's file (-1: none), by a descriptor of our own where that can be had: whoever shares FD
 * with us may want it to block.
 */
void sink_open(struct sink *k, int fd);

/* What goes there from here on is lost. Legal on one that is closed. */
void sink_close(struct sink *k);

/* Writes what the reader takes now; to one who is gone all of it, in vain. What is left. */
size_t sink_write(struct sink *k, const uint8_t *bytes, size_t size);

#endif
