/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Consoles: carries bytes between a port's chardev and the descriptors the supervisor gave us. Runs
 * on the I/O thread only. Never blocks: a reader that does not read stalls its own port.
 *
 * Where the descriptor is a listening socket, one client at a time reads and writes; the next one
 * waits until it is gone. What the guest writes while there is none is lost to all of them.
 */
#ifndef PARTITION_CONSOLE_H
#define PARTITION_CONSOLE_H

#include "devices/chardev.h"
#include "lib/loop.h"
#include "partition/protocol.h"

struct console;

struct console_config {
	struct loop *loop;
	struct chardev *chardev;
	const struct partition_port *port;
	const char *label; /* what lines are prefixed with: "linux", "linux.com2" */
	uint32_t owner;    /* of lines: a number of its own for each port of the run, from 1 */
	int colour;        /* of prefixes that have one: the partition's index */
	struct console_line *line; /* shared; NULL: a port that is not on the console */
	/* The user pressed Ctrl-A x. */
	void (*quit)(void *ctx);
	void *ctx;
};

/*
 * 0 or a negative errno. CONFIG's pointers must outlive the console. Input is read from now on, so
 * that escapes are obeyed; the guest is offered it from the first console_pump on.
 */
int console_create(const struct console_config *config, struct console **ret_console);
void console_destroy(struct console *c);

/* The terminal has another size. */
void console_resize(struct console *c, struct partition_window window);

/* The chardev has output, or room for input: moves what can be moved. */
void console_pump(struct console *c);

/*
 * Shows FD, a stream socket that is ours from here on, what the guest wrote of late and writes; see
 * partition/attach.h for WRITER and errors.
 */
int console_attach(struct console *c, int fd, bool writer);

/*
 * True when everything the guest wrote has been handed to the descriptors, or nobody will ever take
 * it. A reader that has stalled may go on: how long to wait for it is the caller's decision.
 */
bool console_drained(struct console *c);

/*
 * Takes no more input, ends an unfinished line under a prefix, counts what no reader took as
 * dropped, and lets go of attached consoles.
 */
void console_finish(struct console *c);

/* Bytes that the port's log did not take, whether a reader took them or not. */
uint64_t console_log_lost(const struct console *c);

#endif
