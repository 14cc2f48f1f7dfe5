/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU and its run loop. */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include "vmm/arch.h"
#include "vmm/history.h"
#include "vmm/look.h"
#include "vmm/vm.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>

/* KVM's exit reasons are below this; the slot after them counts reasons that we do not know. */
#define VCPU_EXITS_MAX 48

/* Written by the vCPU's own thread only; any thread may read them while it runs. */
struct vcpu_counters {
	_Atomic uint64_t exits[VCPU_EXITS_MAX + 1];
	_Atomic uint64_t signals;        /* returns from KVM_RUN without an exit */
	_Atomic uint64_t unclaimed_port; /* accesses that no device answered */
	_Atomic uint64_t unclaimed_mmio;
};

/* There is one writer: no locked instruction is needed. */
static inline void counter_add(_Atomic uint64_t *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
		memory_order_relaxed);
}

/* Why a vCPU is wanted out of the guest: bits of vcpu->wanted. */
enum vcpu_wanted {
	VCPU_PAUSE = 1 << 0, /* until it is taken back; from the start, too */
	VCPU_FAULT = 1 << 1, /* to meet vcpu->fault */
	VCPU_DEAD = 1 << 2,  /* for good: it has met a fatal error */
	VCPU_STOP = 1 << 3,  /* for good: its thread ends */
	VCPU_LOOK = 1 << 4,  /* to note what it is at in vcpu->look */
};

/* A fatal event that another thread has found. */
struct vcpu_fault {
	enum end_kind kind;
	const char *how;
	char what[128];
	uint64_t event_ns;
};

struct vcpu {
	struct vm *vm;
	unsigned index;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	char name[16];      /* the thread's: "linux/vcpu0"; the kernel's limit */
	bool started;       /* `thread` is to be joined; the builder's thread only */
	bool apart;         /* it does not begin on its maker's core */
	atomic_int tid;     /* of the thread, once it runs */
	atomic_uint wanted; /* enum vcpu_wanted; 0: in the guest */
	struct vcpu_counters counters;
	struct vcpu_history history;
	struct vcpu_look *look;  /* its own while VCPU_LOOK is set, else the I/O thread's */
	struct vcpu_fault fault; /* valid with VCPU_FAULT; written once, by the I/O thread */
	/* The fatal error that it has met. */
	struct vm_end end;
	atomic_int end_state; /* enum vcpu_end_state: who may touch `end` */
	struct arch_vcpu arch;
};

enum vcpu_end_state {
	VCPU_END_NONE,  /* the vCPU's thread */
	VCPU_END_READY, /* the I/O thread, in vm_take_parked */
	VCPU_END_TAKEN, /* nobody */
};

/* What an exit reason is called, and who handles it on a vCPU thread. */
struct vcpu_exit {
	const char *name;
	void (*handle)(struct vcpu *vcpu);
};

/* The exit table of the host architecture, indexed by KVM_EXIT_*; vmm/<arch>/exits.c. */
extern const struct vcpu_exit arch_exits[VCPU_EXITS_MAX];

/* How often it has left the guest for something. Any thread. */
uint64_t vcpu_exits(const struct vcpu *vcpu);

int vcpu_create(struct vm *vm, unsigned index, struct vcpu *vcpu, const char **ret_what);
void vcpu_destroy(struct vcpu *vcpu);

/*
 * Enters KVM_RUN and leaves it before the guest's first instruction. With the first entry into a VM
 * KVM makes helper threads, which inherit the cores of the thread that enters: this makes them
 * those of the caller, not those of a vCPU.
 */
void vcpu_prime(struct vcpu *vcpu);

int vcpu_start(struct vcpu *vcpu, const cpu_set_t *affinity, const char *name);

/*
 * Makes the vCPU leave the guest soon, for WHY (enum vcpu_wanted). Any thread; one that waits at
 * the gate does not hear it.
 */
void vcpu_kick(struct vcpu *vcpu, unsigned why);

/*
 * What it is at, for a report: registers, the code there, a backtrace; each line ends in a newline.
 * On its own thread, after an exit, or on any while it does not run.
 */
void vcpu_describe(struct vcpu *vcpu, FILE *f);

/* ---- on the vCPU's own thread ---- */

/*
 * Has KVM finish the access of the last exit, so that the registers are those between two
 * instructions. Further accesses of the same instruction are not answered: reads give what they
 * give, writes are dropped. 0 or a negative errno.
 */
int vcpu_finish_access(struct vcpu *vcpu);

/*
 * An access that nobody answers: it is counted, and then is what the policy says. True when it is
 * to be ignored; false when the exit is over, and struct kvm_run no longer about it.
 */
bool vcpu_violation(struct vcpu *vcpu, const struct vm_access *access);

/* A fatal error: WHAT happened, in one line. The vCPU does not run the guest again. */
void vcpu_fatal(struct vcpu *vcpu, enum end_kind kind, const char *how, const char *what);

/* The guest's kernel says on this vCPU that it has panicked, by HOW: who and where, a report. */
void vcpu_panicked(struct vcpu *vcpu, const char *how, struct vm_end *ret_end);

/* vcpu->fault, met by its vCPU. */
void vcpu_meet_fault(struct vcpu *vcpu);

/* Does what VCPU_LOOK asks for. */
void vcpu_take_look(struct vcpu *vcpu);

/* Handlers that both architectures use. */
void vcpu_exit_mmio(struct vcpu *vcpu);
void vcpu_exit_intr(struct vcpu *vcpu);
void vcpu_exit_system_event(struct vcpu *vcpu);
void vcpu_exit_fail_entry(struct vcpu *vcpu);
void vcpu_exit_internal_error(struct vcpu *vcpu);
void vcpu_exit_shutdown(struct vcpu *vcpu);
void vcpu_exit_unknown(struct vcpu *vcpu);

#endif
