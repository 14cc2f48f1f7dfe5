/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looks at vCPUs that run: each one's own thread leaves the guest for that moment and notes what it
 * is at, so that nobody waits for one that does not come.
 */
#ifndef VMM_LOOK_H
#define VMM_LOOK_H

#include "vmm/vm.h"

enum look_state {
	LOOK_UNKNOWN, /* KVM does not say */
	LOOK_RUNS,
	LOOK_HALTED, /* it waits for an interrupt */
	LOOK_OFF,    /* nobody has started it: it waits for INIT and SIPI, or for PSCI's CPU_ON */
};

#define LOOK_MODE_MAX 24

struct vcpu_look {
	enum look_state state;
	bool interrupts; /* it takes them */
	uint64_t pc;
	uint64_t exits;                /* of the vCPU, until now */
	char mode[LOOK_MODE_MAX];      /* "64-bit, ring 0", "EL1h" */
	char registers[VM_REPORT_MAX]; /* as vcpu_describe has them */
};

/*
 * Has each vCPU note what it is at in LOOKS, one for each, which stays there for as long as the VM
 * does: one that does not come now may come at any time. The I/O thread.
 */
void vm_look(struct vm *vm, struct vcpu_look *looks);

enum look_answer {
	LOOK_PENDING, /* it has not left the guest yet */
	LOOK_DONE,    /* its look can be read until the next vm_look */
	LOOK_DEAD,    /* it has met a fatal error: it has no look */
};
enum look_answer vm_looked(const struct vm *vm, unsigned index);

#endif
