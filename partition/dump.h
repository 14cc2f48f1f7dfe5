/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes an ELF core of the guest to a socket: whoever is at its other end makes a file of it
 * (lib/sparse.h). All on the I/O thread, in pieces: it goes on with its other work while the reader
 * is not ready. The vCPUs are out of the guest meanwhile.
 */
#ifndef PARTITION_DUMP_H
#define PARTITION_DUMP_H

#include "lib/loop.h"
#include "vmm/core_note.h"

struct partition;
struct core;

struct dump {
	struct partition *partition;
	/* It is over: ERROR is 0 or a negative errno, BYTES what was written. */
	void (*done)(struct partition *p, int error, uint64_t bytes);
	struct loop_watch out;     /* its descriptor; -1: no dump is under way */
	struct loop_timer timer;   /* of the search: its next piece; then: it stalls, or is late */
	struct core_search search; /* for the guest's own note */
	FILE *notes;
	char *notes_text;
	size_t notes_size;
	struct core *core; /* NULL: the search goes on */
	uint64_t written;
	uint64_t deadline_ns; /* it is over then, however its reader reads */
};

/* Before the VM is there. 0 or a negative errno. */
int dump_init(struct dump *d, struct partition *p,
	void (*done)(struct partition *p, int error, uint64_t bytes));

/*
 * Starts one into FD, a socket, which is the dump's; the guest does not run, and must not until
 * d->done was called, at once or later. One at a time.
 */
void dump_start(struct dump *d, int fd);

static inline bool dump_busy(const struct dump *d)
{
	return d->out.fd >= 0;
}

#endif
