/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that partitions share, between the files of supervisor/. */
#ifndef SUPERVISOR_SHARED_H
#define SUPERVISOR_SHARED_H

#include "supervisor/run.h"

/* Makes what the plan's regions take. 0, or a negative errno, with a reason in DIAGS but for
 * -ENOMEM. */
int run_shared_init(struct run *run, struct diags *diags);
void run_shared_fini(struct run *run);

/*
 * What the child gets for its device D, an ivshmem device: descriptors that stay ours, in the order
 * of struct partition_launch; -1 where there is none.
 */
void child_shared_fds(const struct child *child, const struct plan_device *d, int32_t *ret_fds);

/*
 * The child's guest has ended: its states are 0, and its peers are told. PROCESS_GONE: it can write
 * no more, and what it wrote into its output sections is withdrawn: they are zeros.
 */
void child_shared_ended(const struct child *child, bool process_gone);

#endif
