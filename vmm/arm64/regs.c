/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers of a vCPU, one by one, and the instruction that it is at. */
#include "vmm/arm64/arm64.h"
#include "vmm/arm64/paging.h"

#include <errno.h>
#include <sys/ioctl.h>

int reg_get(const struct vcpu *vcpu, uint64_t id, void *ret_value)
{
	struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)ret_value};

	return ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg) ? -errno : 0;
}

int reg_set(const struct vcpu *vcpu, uint64_t id, const void *value)
{
	struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)value};

	return ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg) ? -errno : 0;
}

int reg_get_u64(const struct vcpu *vcpu, uint64_t id, uint64_t *ret_value)
{
	return reg_get(vcpu, id, ret_value);
}

int reg_set_u64(const struct vcpu *vcpu, uint64_t id, uint64_t value)
{
	return reg_set(vcpu, id, &value);
}

/* KVM has them in Z0 to Z31 where the vCPU has SVE, and only there. */
union vector {
	__uint128_t v;
	uint8_t z[KVM_REG_SIZE(KVM_REG_ARM64_SVE_ZREG(0, 0))];
};

static uint64_t vector_id(const struct vcpu *vcpu, unsigned n)
{
	if (vcpu->vm->machine->arm64.sve == MACHINE_ON)
		return KVM_REG_ARM64_SVE_ZREG(n, 0);
	return KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |
	       (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4 * (uint64_t)n);
}

int reg_get_v(const struct vcpu *vcpu, unsigned n, __uint128_t *ret_value)
{
	union vector vector;
	int ret = reg_get(vcpu, vector_id(vcpu, n), &vector);

	if (!ret)
		*ret_value = vector.v;
	return ret;
}

int reg_set_v(const struct vcpu *vcpu, unsigned n, __uint128_t value)
{
	union vector vector = {.z = {0}};

	vector.v = value;
	return reg_set(vcpu, vector_id(vcpu, n), &vector);
}

bool arch_vcpu_space(struct vcpu *vcpu, struct space *ret_space)
{
	struct arm64_paging regs;

	/* Below EL2 there may be a stage 2 of the guest's own, at EL2 there are other registers. */
	if (vcpu->vm->machine->nested || reg_get_u64(vcpu, REG_SCTLR_EL1, &regs.sctlr) ||
		reg_get_u64(vcpu, REG_TCR_EL1, &regs.tcr) ||
		reg_get_u64(vcpu, REG_TTBR0_EL1, &regs.ttbr0) ||
		reg_get_u64(vcpu, REG_TTBR1_EL1, &regs.ttbr1))
		return false;
	arm64_space(&regs, ret_space);
	return true;
}

bool regs_fetch(struct vcpu *vcpu, uint32_t *ret_insn)
{
	uint64_t pc;

	return !reg_get_u64(vcpu, REG_PC, &pc) && regs_fetch_at(vcpu, pc, ret_insn);
}

bool regs_fetch_at(struct vcpu *vcpu, uint64_t pc, uint32_t *ret_insn)
{
	struct space space;

	return arch_vcpu_space(vcpu, &space) &&
	       space_read(&vcpu->vm->machine->gmem, &space, pc, ret_insn, sizeof(*ret_insn));
}
