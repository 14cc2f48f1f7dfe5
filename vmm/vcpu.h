/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU and its run loop. */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include "vmm/arch.h"
#include "vmm/vm.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>

/* KVM's exit reasons are below this; the slot after them counts reasons that we do not know. */
#define VCPU_EXITS_MAX 48

/* Written by the vCPU's own thread only; read by others once it has stopped. */
struct vcpu_counters {
	uint64_t exits[VCPU_EXITS_MAX + 1];
	uint64_t signals;        /* returns from KVM_RUN without an exit */
	uint64_t unclaimed_port; /* accesses that no device answered */
	uint64_t unclaimed_mmio;
};

struct vcpu {
	struct vm *vm;
	unsigned index;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	char name[16];  /* the thread's: "linux/vcpu0"; the kernel's limit */
	bool started;   /* `thread` is to be joined; the builder's thread only */
	atomic_int tid; /* of the thread, once it runs */
	atomic_bool stop;
	struct vcpu_counters counters;
	struct arch_vcpu arch;
};

/* What an exit reason is called, and who handles it on a vCPU thread. */
struct vcpu_exit {
	const char *name;
	void (*handle)(struct vcpu *vcpu);
};

/* The exit table of the host architecture, indexed by KVM_EXIT_*; vmm/<arch>/exits.c. */
extern const struct vcpu_exit arch_exits[VCPU_EXITS_MAX];

int vcpu_create(struct vm *vm, unsigned index, struct vcpu *vcpu, const char **ret_what);
void vcpu_destroy(struct vcpu *vcpu);

/*
 * Enters KVM_RUN and leaves it before the guest's first instruction. With the first entry into a VM
 * KVM makes helper threads, which inherit the cores of the thread that enters: this makes them
 * those of the caller, not those of a vCPU.
 */
void vcpu_prime(struct vcpu *vcpu);

int vcpu_start(struct vcpu *vcpu, const cpu_set_t *affinity, const char *name);

/* Makes the vCPU leave KVM_RUN and its loop, soon and for good. Any thread. */
void vcpu_kick(struct vcpu *vcpu);

/* Handlers that both architectures use. */
void vcpu_exit_mmio(struct vcpu *vcpu);
void vcpu_exit_intr(struct vcpu *vcpu);
void vcpu_exit_system_event(struct vcpu *vcpu);
void vcpu_exit_fail_entry(struct vcpu *vcpu);
void vcpu_exit_internal_error(struct vcpu *vcpu);
void vcpu_exit_shutdown(struct vcpu *vcpu);
void vcpu_exit_unknown(struct vcpu *vcpu);

#endif
