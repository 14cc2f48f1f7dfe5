/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking back an access that the guest may not make, and a fault in its place.
 *
 * KVM gives user space an access in the middle of its instruction, and goes on with that at the
 * next KVM_RUN. A read's registers are then still those before the instruction; they are kept while
 * KVM finishes it, and put back.
 */
#include "vmm/x86/x86.h"

#include <errno.h>
#include <sys/ioctl.h>

#define CR0_PE    (1u << 0)
#define VECTOR_GP 13

int arch_vcpu_undo_access(struct vcpu *vcpu, const struct vm_access *access)
{
	struct kvm_regs before;
	int ret;

	(void)access;
	if (ioctl(vcpu->fd, KVM_GET_REGS, &before))
		return -errno;
	ret = vcpu_finish_access(vcpu);
	if (ret)
		return ret;
	return ioctl(vcpu->fd, KVM_SET_REGS, &before) ? -errno : 0;
}

int arch_vcpu_inject_fault(struct vcpu *vcpu, const struct vm_access *access)
{
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	int ret = arch_vcpu_undo_access(vcpu, access);

	if (ret)
		return ret;
	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) || ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events))
		return -errno;
	events.exception.injected = 1;
	events.exception.nr = VECTOR_GP;
	events.exception.has_error_code = sregs.cr0 & CR0_PE; /* none in real mode */
	events.exception.error_code = 0;
	return ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events) ? -errno : 0;
}
