/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A command inside an emulated machine (QEMU's TCG) whose Linux has KVM with everything that
 * hardware has: what this host's KVM cannot run, or guests of another architecture. The machine's
 * file system is made of the command's own files; consoles, input, signals and the files written go
 * through one port of it (rig/wire.h). Nothing is left of it, however this process ends.
 */
#ifndef RIG_RIG_H
#define RIG_RIG_H

#include "rig/job.h"

struct rig_options {
	struct rig_job *job;
	enum plan_arch arch;     /* of the machine */
	const char *const *argv; /* the command: a program inside, or with EXEC one of the job's */
	bool exec;               /* else it is the arguments of `bulkhead` */
	const char *program;     /* the static bulkhead for the machine; NULL: it is looked for */
	const char *kernel;      /* NULL: of the distribution */
	const char *modules; /* its folder of modules; NULL: none, or that of the distribution's */
	unsigned cpus;       /* 0: as the job needs */
	uint64_t memory;     /* bytes; 0: as the job needs */
	const char *log;     /* file for the machine's kernel messages; NULL: none */
	const char *const *again; /* options of `bulkhead rig` that make such a machine again, but
				   * --arch; NULL: none */
	const char *const *qemu;  /* more arguments for QEMU */
	unsigned qemu_count;
};

/*
 * Runs the command to its end. Its exit code; BH_EXIT_HOST when the machine could not be had or
 * failed, with the reason on standard error; BH_EXIT_INTERRUPTED when a signal ended that before
 * the command could. Problems with files are in the job's diagnostics, which it prints.
 */
int rig_run(const struct rig_options *options);

/*
 * Process 1 of the emulated machine: prepares it, runs the command, tells of it. HOLD is called
 * before, when there is a KVM. Does not return, but when it is not process 1.
 */
void rig_init(void (*hold)(void));

#endif
