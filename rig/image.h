/* SPDX-License-Identifier: BSD-3-Clause */
/* The initial file system of the emulated machine. */
#ifndef RIG_IMAGE_H
#define RIG_IMAGE_H

#include "rig/rig.h"

/* How the command is connected. */
struct rig_terminal {
	bool is_one[3]; /* which of standard input, output and error are the terminal */
	unsigned rows, columns;
};

/*
 * The archive, in memory: nobody has to remove it. MODULES is the kernel's folder of them (NULL:
 * none). 0 with *RET_FD the caller's and its size, or a negative errno; reasons are in the job's
 * diagnostics, which may also have errors when 0 is returned.
 */
int image_create(const struct rig_options *o, const char *modules, const struct rig_terminal *t,
	int *ret_fd, uint64_t *ret_size);

/* Whether the program at PATH is for ARCH and runs in a machine that has nothing but it. */
bool image_runs_alone(const char *path, enum plan_arch arch);

/* Where bulkhead for ARCH is, for this one that is at OWN. False: nowhere. */
bool image_find_program(const char *own, enum plan_arch arch, char ret_path[PATH_MAX]);

#endif
