/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files that the command in the emulated machine has written, as they come: each goes to one of the
 * job's outputs or below it, whatever its path says.
 */
#ifndef RIG_OUTPUTS_H
#define RIG_OUTPUTS_H

#include "lib/sparse.h"
#include "rig/job.h"
#include "rig/wire.h"

struct outputs {
	const struct rig_job *job;
	struct sparse file; /* that data goes to; its FD is ours, -1: none */
	bool regular;       /* it may have holes */
	int error;
	char failed[PATH_MAX]; /* what ERROR was met at */
};

/* Takes a frame WIRE_FOLDER, WIRE_FILE or WIRE_DATA. The first error is kept, and told by: */
void outputs_take(struct outputs *o, const struct wire_frame *f);

/* Closes the last file. 0, or the first error, said. */
int outputs_finish(struct outputs *o);

#endif
