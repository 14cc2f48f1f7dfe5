/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking back an access that the guest may not make, and a fault in its place.
 *
 * KVM finishes an access of KVM_EXIT_MMIO at the next KVM_RUN: a load's register is set, the PC
 * moved on. Both are put back to what they were. After KVM_EXIT_ARM_NISV nothing has changed yet.
 */
#include "lib/util.h"
#include "vmm/arm64/arm64.h"

#include <errno.h>
#include <sys/ioctl.h>

#define REGISTERS 31 /* X0 to X30 */

int arch_vcpu_undo_access(struct vcpu *vcpu, const struct vm_access *access)
{
	uint64_t x[REGISTERS], pc;
	int ret = 0;

	if (vcpu->run->exit_reason == KVM_EXIT_ARM_NISV)
		return 0;
	for (unsigned i = 0; !ret && !access->write && i < REGISTERS; i++)
		ret = reg_get_u64(vcpu, REG_X(i), &x[i]);
	if (!ret)
		ret = reg_get_u64(vcpu, REG_PC, &pc);
	if (!ret)
		ret = vcpu_finish_access(vcpu);
	for (unsigned i = 0; !ret && !access->write && i < REGISTERS; i++)
		ret = reg_set_u64(vcpu, REG_X(i), x[i]);
	return ret ? ret : reg_set_u64(vcpu, REG_PC, pc);
}

static int set_events(struct vcpu *vcpu, bool dabt, bool serror)
{
	struct kvm_vcpu_events events;

	if (ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events))
		return -errno;
	events.exception.ext_dabt_pending = dabt;
	events.exception.serror_pending |= serror;
	return ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events) ? -errno : 0;
}

/* FAR_EL1 will be the address that the guest used: KVM remembers that of the last abort. */
int arch_vcpu_inject_fault(struct vcpu *vcpu, const struct vm_access *access)
{
	int ret = arch_vcpu_undo_access(vcpu, access);

	return ret ? ret : set_events(vcpu, true, false);
}

int arch_vcpu_inject_serror(struct vcpu *vcpu)
{
	return set_events(vcpu, false, true);
}
