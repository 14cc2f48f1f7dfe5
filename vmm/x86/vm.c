/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The x86 VM: KVM's interrupt controllers (PICs, IOAPIC, a LAPIC per vCPU) and PIT, and what KVM
 * needs of the guest's address space for itself.
 */
#include "lib/util.h"
#include "vmm/layout_x86.h"
#include "vmm/x86/x86.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

const enum guest_arch arch_guest = GUEST_X86_64;

const int arch_required_caps[] = {
	KVM_CAP_USER_MEMORY,
	KVM_CAP_IMMEDIATE_EXIT,
	KVM_CAP_IRQCHIP,
	KVM_CAP_PIT2,
	KVM_CAP_EXT_CPUID,
	KVM_CAP_MP_STATE,
	-1,
};

int arch_vm_create(struct vm *vm, const char **ret_what)
{
	uint64_t identity_map = X86_KVM_IDENTITY_MAP;
	/* The speaker bit of port 0x61 must answer although there is no speaker. */
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};

	/* Only Intel hosts use these two, and only for real-mode code; no host refuses them. */
	*ret_what = "KVM_SET_IDENTITY_MAP_ADDR";
	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map))
		return -errno;
	*ret_what = "KVM_SET_TSS_ADDR";
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, X86_KVM_TSS))
		return -errno;
	*ret_what = "KVM_CREATE_IRQCHIP";
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return -errno;
	*ret_what = "KVM_CREATE_PIT2";
	if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit))
		return -errno;
	return cpuid_create(vm, &vm->arch.cpuid, ret_what);
}

void arch_vm_destroy(struct vm *vm)
{
	free(vm->arch.cpuid);
	vm->arch.cpuid = NULL;
}

void arch_irq_set(struct vm *vm, uint32_t gsi, bool asserted)
{
	struct kvm_irq_level line = {.irq = gsi, .level = asserted};

	/* Cannot fail: the irqchip exists, and GSIs are the machine's own constants. */
	ioctl(vm->fd, KVM_IRQ_LINE, &line);
}
