/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/runtime.h"
#include "vmm/arm64/arm64.h"

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
	/* Reports, hypercalls, accesses that the processor has not described; the counter. */
	KVM_GET_ONE_REG,
	KVM_SET_ONE_REG,
	KVM_ARM_SET_COUNTER_OFFSET,
	/* Faults that are injected into the guest. */
	KVM_GET_VCPU_EVENTS,
	KVM_SET_VCPU_EVENTS,
	/* Reports, and PSCI's SYSTEM_SUSPEND. */
	KVM_GET_MP_STATE,
	KVM_SET_MP_STATE,
	KVM_ARM_PREFERRED_TARGET,
	KVM_ARM_VCPU_INIT,
	KVM_ARM_VCPU_FINALIZE,
	0,
};

const unsigned arch_hpet_ioctls[] = {0};
