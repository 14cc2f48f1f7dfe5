/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arm64 vCPU: its features, and the state in which it starts. vCPUs but the first are off until
 * the guest starts them by PSCI's CPU_ON, which KVM does by itself.
 */
#include "lib/util.h"
#include "vmm/arm64/arm64.h"
#include "vmm/layout_arm64.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* The interrupt ID of a PPI [IHI 0069 2.2.1]. */
#define PPI(n) (16 + (n))

static void add_feature(struct kvm_vcpu_init *init, unsigned feature)
{
	init->features[feature / 32] |= 1u << feature % 32;
}

static int preferred_target(int vm_fd, struct kvm_vcpu_init *ret_init)
{
	*ret_init = (struct kvm_vcpu_init){0};
	if (ioctl(vm_fd, KVM_ARM_PREFERRED_TARGET, ret_init))
		return -errno;
	*ret_init = (struct kvm_vcpu_init){.target = ret_init->target};
	add_feature(ret_init, KVM_ARM_VCPU_PSCI_0_2);
	return 0;
}

int psci_newest(int vm_fd, uint32_t *ret_version)
{
	AUTO_CLOSE int fd = ioctl(vm_fd, KVM_CREATE_VCPU, 0);
	struct vcpu vcpu = {.fd = fd};
	struct kvm_vcpu_init init;
	uint64_t version;
	int ret;

	if (fd < 0)
		return -errno;
	ret = preferred_target(vm_fd, &init);
	if (!ret && ioctl(fd, KVM_ARM_VCPU_INIT, &init))
		ret = -errno;
	if (!ret)
		ret = reg_get_u64(&vcpu, KVM_REG_ARM_PSCI_VERSION, &version);
	if (!ret)
		*ret_version = (uint32_t)version;
	return ret;
}

int vcpu_reset(struct vcpu *vcpu, bool off)
{
	const struct machine *m = vcpu->vm->machine;
	int sve = KVM_ARM_VCPU_SVE, ret;
	struct kvm_vcpu_init init;

	ret = preferred_target(vcpu->vm->fd, &init);
	if (ret)
		return ret;
	if (off)
		add_feature(&init, KVM_ARM_VCPU_POWER_OFF);
	if (m->arm64.pmu == MACHINE_ON)
		add_feature(&init, KVM_ARM_VCPU_PMU_V3);
	if (m->arm64.sve == MACHINE_ON)
		add_feature(&init, KVM_ARM_VCPU_SVE);
	if (m->arm64.pauth == MACHINE_ON) {
		add_feature(&init, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
		add_feature(&init, KVM_ARM_VCPU_PTRAUTH_GENERIC);
	}
	if (m->nested)
		add_feature(&init, KVM_ARM_VCPU_HAS_EL2);
	if (ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &init))
		return -errno;
	/* Once per vCPU: a second time it is EPERM, and nothing has changed. */
	if (m->arm64.sve == MACHINE_ON && ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &sve) &&
		errno != EPERM)
		return -errno;
	return 0;
}

int arch_vcpu_create(struct vcpu *vcpu, const char **ret_what)
{
	int ret;

	*ret_what = "KVM_ARM_VCPU_INIT";
	ret = vcpu_reset(vcpu, vcpu->index != 0);
	if (ret)
		return ret;
	*ret_what = "the PSCI version";
	return reg_set_u64(vcpu, KVM_REG_ARM_PSCI_VERSION, vcpu->vm->machine->arm64.psci);
}

void arch_vcpu_destroy(struct vcpu *vcpu)
{
	(void)vcpu; /* KVM's state goes with the descriptor */
}

int vcpu_finish_pmu(struct vcpu *vcpu, const char **ret_what)
{
	int interrupt = PPI(ARM64_PPI_PMU);
	struct kvm_device_attr attr = {
		.group = KVM_ARM_VCPU_PMU_V3_CTRL,
		.attr = KVM_ARM_VCPU_PMU_V3_IRQ,
		.addr = (uintptr_t)&interrupt,
	};

	*ret_what = "the PMU";
	if (vcpu->vm->machine->arm64.pmu != MACHINE_ON)
		return 0;
	if (ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &attr))
		return -errno;
	attr.attr = KVM_ARM_VCPU_PMU_V3_INIT;
	return ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &attr) ? -errno : 0;
}

int arch_vcpu_enter(struct vcpu *vcpu, const struct entry_state *entry, const char **ret_what)
{
	int ret;

	*ret_what = "entry state";
	if (entry->mode != ENTRY_ARM64)
		return -EINVAL;
	/* KVM's state after reset is what is wanted of the rest: EL1h, DAIF masked, MMU off. */
	*ret_what = "KVM_SET_ONE_REG";
	ret = reg_set_u64(vcpu, REG_PC, entry->pc);
	if (!ret)
		ret = reg_set_u64(vcpu, REG_X(0), entry->arm64.dtb);
	for (unsigned i = 1; !ret && i <= 3; i++)
		ret = reg_set_u64(vcpu, REG_X(i), 0);
	return ret;
}

void arch_vcpu_resumed(struct vcpu *vcpu)
{
	(void)vcpu; /* its clock stood still: arch_vm_resumed */
}
