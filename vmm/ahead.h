/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What of a VM takes KVM long and depends on nothing that the plan says: done by a thread of its
 * own while the machine is built. Used by the thread that creates the VM.
 */
#ifndef VMM_AHEAD_H
#define VMM_AHEAD_H

struct arch_host;
struct vm_ahead;

/*
 * Starts it. KVM_FD is an open /dev/kvm. NULL, which the others take, when there is no thread to be
 * had. Must be given to vm_create or to vm_ahead_cancel.
 */
struct vm_ahead *vm_start_ahead(int kvm_fd);

/* Waits until the thread is gone. */
void vm_ahead_wait(struct vm_ahead *ahead);

/* Gives up what has come of it. */
void vm_ahead_cancel(struct vm_ahead *ahead);

/* The VM's descriptor, as soon as it is there; -1 when KVM gave none. Once. */
int vm_ahead_take_vm(struct vm_ahead *ahead);

/* What KVM said about itself (vmm/arch.h), NULL when it did not; frees AHEAD. */
struct arch_host *vm_ahead_take_host(struct vm_ahead *ahead);

#endif
