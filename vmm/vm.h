/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One virtual machine on /dev/kvm: its memory, its vCPUs, and how it ended.
 *
 * Threads: one thread (the I/O thread of the partition process) creates, starts, stops and
 * destroys. The vCPU threads are the VM's own. vm_end may be called from any thread.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include "lib/diag.h"
#include "vmm/arch.h"
#include "vmm/entry.h"
#include "vmm/machine.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

struct vcpu;

#define VM_REPORT_MAX 4096

/* How the VM ended. Valid once vm_ended says so; constant from then on. */
struct vm_end {
	enum end_kind kind;
	uint32_t code;              /* END_EXIT_CODE: what the guest gave */
	int vcpu;                   /* index, or -1 when no vCPU was at fault */
	const char *how;            /* static text */
	char report[VM_REPORT_MAX]; /* fatal ends: registers and what they mean; else empty */
};

struct vm_memory {
	int fd;       /* the memfd behind guest RAM; -1: none */
	uint8_t *hva; /* where all of it is mapped */
	uint64_t size;
};

enum vm_pages { VM_PAGES_4K, VM_PAGES_2M, VM_PAGES_1G };

struct vm {
	int kvm_fd; /* borrowed */
	int fd;
	struct machine *machine; /* borrowed */
	unsigned vcpu_count;
	struct vcpu *vcpus;
	size_t run_size; /* bytes of struct kvm_run as mapped */
	struct arch_vm arch;

	/* Start gate: vCPU threads wait until `released`. Guards released and nothing else. */
	pthread_mutex_t gate_lock;
	pthread_cond_t gate;
	bool released;

	int end_fd; /* eventfd, readable once the VM has ended */
	atomic_int end_state;
	struct vm_end end;
};

/*
 * Allocates the memory of M's ranges and adds it to M->gmem. With LOCK it is populated and locked,
 * so that no page of the guest can ever be missing. 0, or a negative errno with *RET_WHAT the call
 * that failed (static text).
 */
int vm_memory_create(struct machine *m, enum vm_pages pages, bool lock,
	struct vm_memory *ret_memory, const char **ret_what);
void vm_memory_destroy(struct vm_memory *memory);

/*
 * Creates the VM of M (memory in place) with its interrupt controller and vCPUs, all stopped.
 * Becomes M's provider of services. KVM_FD is an open /dev/kvm. 0, or a negative errno with
 * *RET_WHAT the ioctl that failed (static text).
 */
int vm_create(int kvm_fd, struct machine *m, struct vm **ret_vm, const char **ret_what);
void vm_destroy(struct vm *vm);

/*
 * Puts the boot vCPU into ENTRY and starts a thread per vCPU, which waits at the gate. vCPU i runs
 * on the host cores in AFFINITY[i]; NAME prefixes the threads' names. 0 or a negative errno.
 */
int vm_start(struct vm *vm, const struct entry_state *entry, const cpu_set_t *affinity,
	const char *name, const char **ret_what);

/* Opens the gate: the guest runs. */
void vm_release(struct vm *vm);

/* Stops all vCPUs where they are and joins their threads. Legal at any time after vm_create. */
void vm_stop(struct vm *vm);

/*
 * Ends the VM: the first call wins and returns true; all vCPUs are told to stop, and end_fd becomes
 * readable. REPORT (NULL: none) is copied.
 */
bool vm_end(struct vm *vm, enum end_kind kind, uint32_t code, const char *how);
bool vm_end_fatal(struct vcpu *vcpu, enum end_kind kind, const char *how, const char *report);

/* NULL until the VM has ended. */
const struct vm_end *vm_ended(const struct vm *vm);

#endif
