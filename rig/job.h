/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What goes into an emulated machine: a command, the files that it reads, under the paths that they
 * have here, and where the files that it writes belong. One thread.
 */
#ifndef RIG_JOB_H
#define RIG_JOB_H

#include "plan/plan.h"
#include "rig/cpio.h"

/* What of the host's is put at one path inside. */
struct rig_file {
	char *to;   /* absolute, without "." and ".." */
	char *from; /* a regular file; NULL: a folder */
	uint64_t size;
};

/* What the command writes, and goes back to the host when it has ended. */
struct rig_output {
	char *path; /* here */
	char *to;   /* inside, absolute */
	bool folder;
};

#define RIG_OUTPUTS_MAX 1024

/* All files together; more does not fit below the addresses where kernels want it. */
#define RIG_FILES_MAX (1 * GIB)

struct rig_job {
	struct diags *diags;
	enum plan_arch arch; /* of plans that do not say */
	char *cwd;

	struct rig_file *files;
	unsigned file_count, file_room;
	struct rig_output *outputs;
	unsigned output_count;

	bool archs[PLAN_ARCH_ARM64 + 1]; /* of the plans seen */
	unsigned cores;                  /* that the plans take */
	uint64_t memory;                 /* bytes: of the largest plan */
	uint64_t all_memory;             /* of all plans together */
};

/* 0, or -ENOMEM or what getcwd said. */
int rig_job_init(struct rig_job *job, enum plan_arch arch, struct diags *diags);
void rig_job_fini(struct rig_job *job);

/*
 * Puts the host's file or folder FROM, with all that is in it, at TO (relative: to the working
 * directory). What is not there is left out: who looks for it inside says so.
 */
void rig_job_put(struct rig_job *job, const char *from, const char *to);

/* The same where it is. */
void rig_job_input(struct rig_job *job, const char *path);

/* What the command will write at PATH, a file or a FOLDER. NULL and "-" are none. */
void rig_job_output(struct rig_job *job, const char *path, bool folder);

/* All files that PLAN reads and writes, and what it takes of the machine. */
void rig_job_plan(struct rig_job *job, const struct plan *plan);

/* What the plans are for: that of those which do not say, if any of them is. */
enum plan_arch rig_job_arch(const struct rig_job *job);

/* Bytes of all files. Puts them in order. */
uint64_t rig_job_size(struct rig_job *job);

/* Writes folders and files into C, each once; the errors are C's. */
void rig_job_write(struct rig_job *job, struct cpio *c);

#endif
