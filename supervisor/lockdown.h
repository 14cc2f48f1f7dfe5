/* SPDX-License-Identifier: BSD-3-Clause */
/* The supervisor and the lock-down of its processes, and its own. */
#ifndef SUPERVISOR_LOCKDOWN_H
#define SUPERVISOR_LOCKDOWN_H

#include "lib/ipc.h"
#include "supervisor/run.h"

/*
 * Takes away from the supervisor, and with it from all that it starts, what neither needs; before
 * the first of them is started. Nothing with `lockdown: off`, nor with a command for the safe
 * state, which may need anything. 0, or -EPERM with the reason in DIAGS when the plan is strict and
 * the host refuses.
 */
int run_lock_down(struct run *run, struct diags *diags);

/* Says what the child could not be isolated from, as its MSG_READY tells. */
void child_say_gaps(struct child *child, const struct ipc_message *ready);

/*
 * Says, and adds to the reports of partitions that ended in an error of KVM's, what this host's KVM
 * is known to be unable to do: that may be the cause. Runs tiny guests, in a process of their own;
 * call it at the end of the run, when nobody waits for the supervisor. Partitions cannot do it
 * themselves any more.
 */
void run_explain_kvm(struct run *run);

#endif
