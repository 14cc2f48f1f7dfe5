/* SPDX-License-Identifier: BSD-3-Clause */
/* The emulated machine as a process: QEMU. */
#ifndef RIG_EMULATOR_H
#define RIG_EMULATOR_H

#include "rig/rig.h"

struct emulator_spec {
	enum plan_arch arch;
	const char *kernel;
	int initrd_fd;
	unsigned cpus;
	uint64_t memory;          /* bytes */
	const char *const *extra; /* QEMU's arguments */
	unsigned extra_count;
};

struct emulator {
	pid_t pid;
	int pidfd;
	int wire_fd;   /* the port */
	int log_fd;    /* what its kernel says */
	int errors_fd; /* what QEMU says */
};

/* The program, and the package of Debian's that it is in. */
const char *emulator_program(enum plan_arch arch, const char **ret_package);

/* 0 with all set, or a negative errno. */
int emulator_start(const struct emulator_spec *spec, struct emulator *ret_emulator);

/* Kills it, if it is still there, and closes all. */
void emulator_end(struct emulator *m);

#endif
