/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs that are started for a device of a partition and work for it: passt. They have the
 * descriptors that they are given, nothing of ours else; what they write to standard error becomes
 * lines of the log. They end with their partition's process, and before the supervisor does.
 *
 * A program that ends before it is ready fails the start of its partition. Later its end is the
 * device's business, which notices it by itself.
 */
#ifndef SUPERVISOR_HELPER_H
#define SUPERVISOR_HELPER_H

#include "lib/diag.h"
#include "supervisor/run.h"

#include <limits.h>

struct helper;

struct helper_program {
	struct child *child;
	unsigned device;    /* of the child's plan */
	const char *path;   /* of the program */
	char *const *argv;  /* argv[0] is what messages call it */
	int fd;             /* that it inherits under its number; borrowed */
	const char *remedy; /* what to do when it ends at once */
	/* Whether it is ready, asked every few milliseconds; NULL: it is, when it runs. */
	bool (*ready)(int ready_fd);
	int ready_fd; /* the helper's from now on; -1: none */
};

/* Looks for NAME in $PATH. 0 or -ENOENT. */
int helper_find(const char *name, char ret_path[PATH_MAX]);

/* Starts P. 0 or a negative errno. */
int helper_start(const struct helper_program *p);

/* True while one that the child's start waits for is not ready. */
bool helpers_starting(const struct child *child);

/* Ends those of the child; the loop hears when they are gone. Legal without any. */
void helpers_end(struct child *child);

/* True while some that were ended are not gone. */
bool helpers_ending(const struct child *child);

/* After the loop's end: ends them, and waits until they are gone. Legal without any. */
void helpers_fini(struct child *child);

#endif
