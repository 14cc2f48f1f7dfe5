/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of the heartbeat example. */
#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

/* ---- fail.c ---- */

/* Reads fail= of the command line; panics when it names nothing that we know. CPU 0. */
void fail_init(void);

/* BEAT has been reached: fails, if this is the one. */
void fail_at(uint64_t beat);

/* A way to go wrong. */
struct way {
	const char *name; /* NULL: the end of the list */
	void (*fail)(uint32_t argument);
};

/* Those of the architecture, in its folder. */
extern const struct way machine_ways[];

/* ---- status.c ---- */

/* Reads status= and status_irq= of the command line. CPU 0. */
void status_init(void);

/* Prints the status page if it has changed since it was printed last. Interrupts may be on. */
void status_poll(void);

#endif
