/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs of this host that the rig has at work: QEMU, apt, dpkg, decompressors. One thread. */
#ifndef RIG_TOOL_H
#define RIG_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tool {
	const char *const *argv; /* argv[0] is looked up in PATH */
	const char *dir;         /* its working directory; NULL: ours */
	int out;                 /* its standard output; -1: standard error */
	int err;                 /* its standard error; -1: ours */
	const int *keep;         /* descriptors that it inherits, under their numbers */
	unsigned keep_count;
};

/*
 * Starts it with no input; it is killed when this process ends, however that is. Blocked signals
 * are not blocked for it. Its pid, or a negative errno; -ENOENT: there is no such program.
 */
pid_t tool_start(const struct tool *t);

/* Starts it and waits for its end. Its exit code, 128 + N after signal N, or a negative errno. */
int tool_run(const struct tool *t);

/*
 * Runs it and keeps its output, up to MAX bytes of it; *RET_BYTES is NUL-terminated and the
 * caller's. As tool_run; -EFBIG when there is more.
 */
int tool_capture(struct tool *t, size_t max, char **ret_bytes, size_t *ret_size);

/* Whether PROGRAM is in PATH. */
bool tool_exists(const char *program);

#endif
