/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One virtual machine on /dev/kvm: its memory, its vCPUs, and how it ended.
 *
 * Threads: one thread at a time (that of vmm/ahead.h, then the I/O thread of the partition process)
 * creates, starts, pauses, stops and destroys. The vCPU threads are the VM's own. vm_end may be
 * called from any thread.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include "lib/diag.h"
#include "vmm/arch.h"
#include "vmm/entry.h"
#include "vmm/irq.h"
#include "vmm/machine.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

struct vcpu;

#define VM_REPORT_MAX 4096

/* An access of a vCPU to an address outside its partition. */
struct vm_access {
	enum window_space space;
	uint64_t address;
	unsigned size; /* bytes; 0: there was no such access */
	bool write;
	uint64_t value; /* a write's, or what a read got */
};

/* How the VM ended, or why a vCPU was parked. */
struct vm_end {
	enum end_kind kind;
	uint32_t code;           /* END_EXIT_CODE: what the guest gave */
	int vcpu;                /* index, or -1 when no vCPU was at fault, or none is known */
	const char *how;         /* static text */
	uint64_t event_ns;       /* CLOCK_MONOTONIC, of a fatal event; else 0 */
	bool has_pc;             /* pc is there */
	uint64_t pc;             /* of the instruction at fault */
	struct vm_access access; /* END_VIOLATION */
	/*
	 * Fatal ends and panics: a line of who, what, address, size, PC; then registers and a
	 * backtrace. Else empty.
	 */
	char report[VM_REPORT_MAX];
};

/* What an access outside the partition does. */
enum vm_violation {
	VM_VIOLATION_IGNORE, /* reads give all-ones, writes are dropped */
	VM_VIOLATION_INJECT, /* a fault of the instruction: arch_vcpu_inject_fault */
	VM_VIOLATION_SERROR, /* arm64: ignored, but an SError follows: arch_vcpu_inject_serror */
	VM_VIOLATION_FATAL,  /* END_VIOLATION */
};

/* What becomes of a vCPU that has met a fatal error. It never runs the guest again. */
enum vm_fatal {
	VM_FATAL_END,  /* the VM ends */
	VM_FATAL_PARK, /* its thread sleeps; the other vCPUs go on */
	VM_FATAL_SPIN, /* the same, but its thread keeps the core busy */
};

struct vm_policy {
	enum vm_violation on_violation;
	enum vm_fatal on_fatal;
	/*
	 * Called on the thread of the vCPU that met a fatal error, before anything else is done
	 * about it, perhaps on several threads at once; EVENT_NS is when it was met
	 * (CLOCK_MONOTONIC). Must not block. NULL: not called.
	 */
	void (*fatal)(void *ctx, unsigned vcpu, uint64_t event_ns);
	/* A line that the guest wants read: machine_services.log. NULL: not called. */
	void (*log)(void *ctx, const char *text, size_t size);
	void *ctx;
};

struct vm_memory {
	int fd;       /* the memfd behind guest RAM; -1: it is this process's alone */
	uint8_t *hva; /* where all of it is mapped */
	uint64_t size;
};

/* Of the host's choice, or of one size, from its pool of that. */
enum vm_pages { VM_PAGES_ANY, VM_PAGES_2M, VM_PAGES_1G };

#define VM_MEMORY_LOCKED                                                                           \
	(1u << 0) /* populated and locked: no page of the guest's is ever missing */
#define VM_MEMORY_SHARED (1u << 1) /* in a file, for other processes to map */

struct vm {
	int kvm_fd; /* borrowed */
	int fd;
	struct machine *machine; /* borrowed */
	unsigned vcpu_count;
	struct vcpu *vcpus;
	size_t run_size; /* bytes of struct kvm_run as mapped */
	struct arch_vm arch;
	struct vm_irqs irqs;
	pthread_mutex_t memory_lock; /* guards the next two, and KVM's slots of device memory */
	bool memory_on[MACHINE_MEMORIES_MAX];
	gpa_t memory_base[MACHINE_MEMORIES_MAX]; /* where it is then */
	bool arch_created;                       /* `arch` is there to be destroyed */

	struct vm_policy policy; /* constant once the threads run */

	/*
	 * Where vCPU threads wait: before the start, paused, parked. A change of vcpu->wanted that
	 * lets one go on is made under the lock.
	 */
	pthread_mutex_t gate_lock;
	pthread_cond_t gate;
	unsigned outside; /* vCPU threads that are not in the guest's loop; guarded by gate_lock */

	int end_fd; /* eventfd, readable once the VM has ended or a vCPU was parked */
	atomic_uint dead;
	atomic_int end_state;
	struct vm_end end; /* valid once vm_ended says so; constant from then on */
};

/*
 * Allocates the memory of M's ranges, as FLAGS (VM_MEMORY_) want it, and adds it to M->gmem. 0, or
 * a negative errno with *RET_WHAT the call that failed (static text).
 */
int vm_memory_create(struct machine *m, enum vm_pages pages, unsigned flags,
	struct vm_memory *ret_memory, const char **ret_what);
void vm_memory_destroy(struct vm_memory *memory);

/* What can be had of KVM before there is a machine, or beside vm_create. */
struct vm_parts {
	int fd;                 /* KVM_CREATE_VM's; -1: none */
	struct arch_host *host; /* arch_host_ask's; NULL: none */
};

/*
 * Creates the VM of M (memory in place) with its interrupt controller and vCPUs, all stopped.
 * Becomes M's provider of services. KVM_FD is an open /dev/kvm. PARTS are used up; what is missing
 * of them is made (NULL: all). 0, or a negative errno with *RET_WHAT the ioctl that
 * failed (static text).
 */
int vm_create(int kvm_fd, struct machine *m, const struct vm_parts *parts, struct vm **ret_vm,
	const char **ret_what);
void vm_destroy(struct vm *vm);

/*
 * Puts the boot vCPU into ENTRY and starts a thread per vCPU, which waits at the gate. vCPU i runs
 * on the host cores in AFFINITY[i]; NAME prefixes the threads' names. 0 or a negative errno.
 */
int vm_start(struct vm *vm, const struct entry_state *entry, const cpu_set_t *affinity,
	const char *name, const char **ret_what);

/* What follows violations and fatal errors. Before vm_start; without it: ignore, and end. */
void vm_set_policy(struct vm *vm, const struct vm_policy *policy);

/* Has each thread at the gate look at its `wanted` again, after vcpu_kick. Any thread. */
void vm_wake_gate(struct vm *vm);

/* Lets the guest run: for the first time, and again after vm_pause. */
void vm_release(struct vm *vm);
void vm_resume(struct vm *vm);

/*
 * Gets all vCPUs out of the guest and waits until they are; parked ones are. 0, also when it was
 * paused already; -ETIMEDOUT when one does not come within VM_PAUSE_MS: it stops as soon as it
 * does.
 */
#define VM_PAUSE_MS 1000
int vm_pause(struct vm *vm);

/* Stops all vCPUs where they are and joins their threads. Legal at any time after vm_create. */
void vm_stop(struct vm *vm);

/* Ends the VM: the first call wins and returns true; all vCPUs stop, end_fd becomes readable. */
bool vm_end(struct vm *vm, enum end_kind kind, uint32_t code, const char *how);

/* For vcpu_fatal: vcpu->end is complete. */
void vm_vcpu_died(struct vcpu *vcpu);

/*
 * A fatal event that somebody else found, such as a lost watchdog: the vCPU's thread leaves the
 * guest and meets it there, with registers, policy and all. HOW is static text; WHAT is copied, the
 * report's first line without the vCPU. A vCPU that has met a fatal error already meets no other.
 */
void vm_fault(struct vm *vm, unsigned vcpu, enum end_kind kind, const char *how, const char *what);

/*
 * The report of a vCPU that was parked (or spins) since, one per call; false: no more. The last
 * vCPU to be parked is not among them: then the VM has ended, and vm_ended has its report. Takes
 * back that end_fd is readable: look at vm_ended after it.
 */
bool vm_take_parked(struct vm *vm, struct vm_end *ret_end);

/* Whether a device shows memory at ADDRESS now (machine_services.memory_set). Any thread. */
bool vm_is_device_memory(struct vm *vm, gpa_t address);

/* NULL until the VM has ended. */
const struct vm_end *vm_ended(const struct vm *vm);

/* An interrupt on line GSI, by edge, whenever EVENT_FD (an eventfd) is written. 0 or -errno. */
int vm_irqfd(struct vm *vm, int event_fd, uint32_t gsi);

#endif
