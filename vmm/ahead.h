/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VM created by a thread of its own, beside the caller's: most of it takes KVM long and little of
 * it depends on what the plan says. Used by the thread that would have called vm_create.
 */
#ifndef VMM_AHEAD_H
#define VMM_AHEAD_H

struct machine;
struct vm;
struct vm_ahead;

/*
 * Starts it. KVM_FD is an open /dev/kvm. 0, or a negative errno when there is no thread to be had.
 */
int vm_ahead_start(int kvm_fd, struct vm_ahead **ret_ahead);

/*
 * Now the machine is known, and its memory in place: the rest can be made. Until vm_ahead_finish it
 * is the thread's; what is in its memory is not looked at.
 */
void vm_ahead_go_on(struct vm_ahead *ahead, struct machine *m);

/*
 * Waits until the thread is done and gone, and frees AHEAD. What vm_create returns; or -ECANCELED,
 * with everything undone, when vm_ahead_go_on was never called.
 */
int vm_ahead_finish(struct vm_ahead *ahead, struct vm **ret_vm, const char **ret_what);

#endif
