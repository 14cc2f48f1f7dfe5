/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VM created by a thread of its own, beside the caller's, as it takes KVM long. Used by the
 * thread that would have called vm_create.
 */
#ifndef VMM_AHEAD_H
#define VMM_AHEAD_H

struct machine;
struct vm;
struct vm_ahead;

/*
 * Starts it. KVM_FD is an open /dev/kvm. Until vm_ahead_finish M is the thread's; what is in its
 * memory is not looked at; and the caller stays on its core, the thread on others, if there are
 * any. 0, or a negative errno when there is no thread to be had.
 */
int vm_ahead_start(int kvm_fd, struct machine *m, struct vm_ahead **ret_ahead);

/* Waits until the thread is done and gone, and frees AHEAD. What vm_create returns. */
int vm_ahead_finish(struct vm_ahead *ahead, struct vm **ret_vm, const char **ret_what);

#endif
