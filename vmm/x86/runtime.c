/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/runtime.h"

#include <linux/kvm.h>

const unsigned arch_runtime_ioctls[] = {
	KVM_RUN,
	/* Interrupt lines of devices. */
	KVM_IRQ_LINE,
	/* MSIs and doorbells that the guest programs, with eventfds that are there already. */
	KVM_SET_GSI_ROUTING,
	KVM_IRQFD,
	KVM_IOEVENTFD,
	/* Memory behind BARs, which the process has mapped already, when the guest moves them. */
	KVM_SET_USER_MEMORY_REGION,
	/* Reports: registers, the bytes at the program counter, whether it is halted. */
	KVM_GET_MP_STATE,
	KVM_GET_REGS,
	KVM_GET_SREGS,
	KVM_GET_MSRS,
	KVM_TRANSLATE,
	/* Faults that are injected into the guest. */
	KVM_SET_REGS,
	KVM_GET_VCPU_EVENTS,
	KVM_SET_VCPU_EVENTS,
	/* Tells the guest that it was paused. */
	KVM_KVMCLOCK_CTRL,
	0,
};

const unsigned arch_hpet_ioctls[] = {KVM_GET_PIT2, KVM_SET_PIT2, 0};
