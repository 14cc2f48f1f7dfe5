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
#include "lib/sandbox.h"
#include "plan/plan.h"

/* One process's way there. */
struct partition_lockdown {
	const struct plan_partition *plan;
	bool disk_threads; /* a disk is served by threads: set before the second step */
	struct sandbox_entry entry;
	struct sandbox_filter *filter;
	int filter_error; /* why there is none */
	struct diags gaps;
};

/*
 * Three steps, in this order. The first: with one thread and every descriptor open, guest memory
 * being there: locking it may take a right that is lost here. Root's uid goes, the user namespace
 * comes. Takes PR_SET_PDEATHSIG away, as does the next.
 */
void partition_lockdown_first(
	const struct plan_partition *p, struct partition_lockdown *ret_lockdown);

/*
 * The other namespaces, the empty root, capabilities, limits; the filter is made, too. Takes long:
 * other threads may do what they have to meanwhile. They must be gone before anything is looked at
 * that came from elsewhere than the plan. 0, or -EPERM when the plan is strict and there are gaps.
 */
int partition_lockdown_enter(struct partition_lockdown *l);

/*
 * Last thing before the partition is ready, all threads being there: system calls, and no more
 * threads or processes. The same results. /dev/kvm must be closed by then, or it could make VMs.
 */
int partition_lockdown_last(struct partition_lockdown *l);

/* The gaps as text, one a line, for MSG_READY; cut at SIZE. How many bytes it has. */
size_t partition_lockdown_text(const struct partition_lockdown *l, char *text, size_t size);

#endif
