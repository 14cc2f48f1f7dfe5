/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Locking down the partition process: a guest that takes over its monitor finds nothing there. How
 * is written in docs/lock-down.md.
 *
 * What could not be applied is noted in `gaps`: warnings, "what is not isolated: why; what to do",
 * which the supervisor shows as `NOT ISOLATED: ...`. With `lockdown: strict` these are errors that
 * name the partition; with `lockdown: off` nothing is done, and there are no gaps.
 */
#ifndef PARTITION_LOCKDOWN_H
#define PARTITION_LOCKDOWN_H

#include "lib/diag.h"
#include "plan/plan.h"

/*
 * First thing, with one thread and every descriptor open: namespaces, the empty root, capabilities,
 * limits. Takes PR_SET_PDEATHSIG away. 0, or -EPERM when the plan is strict and there are gaps.
 */
int partition_lockdown_early(const struct plan_partition *p, struct diags *gaps);

/*
 * When guest memory is there, still with one thread: the right to lock it, where it was needed.
 * Takes PR_SET_PDEATHSIG away. Its gaps count in partition_lockdown_late.
 */
void partition_lockdown_memory(const struct plan_partition *p, struct diags *gaps);

/*
 * Last thing before the partition is ready, all threads being there: system calls, and no more
 * threads or processes. The same results. /dev/kvm must be closed by then, or it could make VMs.
 */
int partition_lockdown_late(const struct plan_partition *p, struct diags *gaps);

/* The gaps as text, one a line, for MSG_READY; cut at SIZE. How many bytes it has. */
size_t partition_lockdown_text(const struct diags *gaps, char *text, size_t size);

#endif
