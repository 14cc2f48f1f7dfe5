/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupts and notifications that KVM carries between eventfds and the guest without a vCPU
 * thread: MSIs by irqfd and the VM's routing table [KVM API 4.75, 4.52], doorbells by ioeventfd
 * [4.59]. What devices may ask is machine_services' msi_set and doorbell_set.
 */
#ifndef VMM_IRQ_H
#define VMM_IRQ_H

#include "vmm/machine.h"

#include <pthread.h>

struct vm;
struct kvm_irq_routing;

struct vm_msi {
	bool on;     /* KVM listens to the eventfd */
	bool routed; /* `message` is in KVM's table */
	struct machine_msi_message message;
};

struct vm_doorbell {
	bool on;
	struct machine_doorbell_place place;
};

struct vm_irqs {
	/*
	 * Guards all below, and KVM's table, which is always set as a whole. Held over ioctls that
	 * wait until no vCPU uses the old table: what takes it is a guest that programs a device,
	 * and such a guest waits for itself.
	 */
	pthread_mutex_t lock;
	struct kvm_irq_routing
		*routing; /* the fixed routes, then those of MSIs; NULL: fixed alone */
	uint32_t fixed;   /* how many are the fixed ones */
	struct vm_msi msis[MACHINE_MSIS_MAX];
	struct vm_doorbell doorbells[MACHINE_DOORBELLS_MAX];
};

/* Before the interrupt controllers are made. 0 or a negative errno. */
int irqs_init(struct vm *vm);
void irqs_fini(struct vm *vm);

/* Tells KVM the fixed routes, without any MSI. 0 or a negative errno. */
int irqs_set_fixed(struct vm *vm);

/* machine_services; CTX is the VM. */
int irqs_msi_set(void *ctx, unsigned index, const struct machine_msi_message *msg);
int irqs_doorbell_set(void *ctx, unsigned index, const struct machine_doorbell_place *place);

#endif
