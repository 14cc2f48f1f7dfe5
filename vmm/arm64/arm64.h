/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of vmm/arm64/ share. Everything returns 0 or a negative errno. */
#ifndef VMM_ARM64_ARM64_H
#define VMM_ARM64_ARM64_H

#include "vmm/vcpu.h"
#include "vmm/vm.h"

#include <linux/kvm.h>

/* ---- what headers older than the kernel's feature lack ---- */

#ifndef KVM_SYSTEM_EVENT_SUSPEND /* Linux 5.19 */
#define KVM_SYSTEM_EVENT_WAKEUP  4
#define KVM_SYSTEM_EVENT_SUSPEND 5
#define KVM_MP_STATE_SUSPENDED   10
#endif

#ifndef KVM_CAP_COUNTER_OFFSET /* Linux 6.4 */
#define KVM_CAP_COUNTER_OFFSET 227
struct kvm_arm_counter_offset {
	__u64 counter_offset;
	__u64 reserved;
};
#define KVM_ARM_SET_COUNTER_OFFSET _IOW(KVMIO, 0xb5, struct kvm_arm_counter_offset)
#endif

#ifndef KVM_ARM_VM_SMCCC_CTRL /* Linux 6.4 */
#define KVM_ARM_VM_SMCCC_CTRL        0
#define KVM_ARM_VM_SMCCC_FILTER      0
#define KVM_SMCCC_FILTER_FWD_TO_USER 2
struct kvm_smccc_filter {
	__u32 base;
	__u32 nr_functions;
	__u8 action;
	__u8 pad[15];
};
#endif

#ifndef KVM_CAP_ARM_EL2 /* Linux 6.16 */
#define KVM_CAP_ARM_EL2      240
#define KVM_ARM_VCPU_HAS_EL2 7
#endif

/* ---- regs.c ---- */

/* Registers as KVM names them [KVM API 4.68]. */
#define REG_CORE(name)                                                                             \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(name))
#define REG_X(n)   (REG_CORE(regs.regs[0]) + 2 * (uint64_t)(n)) /* X0 to X30 */
#define REG_SP     REG_CORE(regs.sp)                            /* SP_EL0 */
#define REG_SPEL1  REG_CORE(sp_el1)
#define REG_PC     REG_CORE(regs.pc)
#define REG_PSTATE REG_CORE(regs.pstate)

#define SYSREG(op0, op1, crn, crm, op2) ARM64_SYS_REG(op0, op1, crn, crm, op2)
#define REG_MPIDR_EL1                   SYSREG(3, 0, 0, 0, 5)
#define REG_SCTLR_EL1                   SYSREG(3, 0, 1, 0, 0)
#define REG_TTBR0_EL1                   SYSREG(3, 0, 2, 0, 0)
#define REG_TTBR1_EL1                   SYSREG(3, 0, 2, 0, 1)
#define REG_TCR_EL1                     SYSREG(3, 0, 2, 0, 2)
#define REG_MAIR_EL1                    SYSREG(3, 0, 10, 2, 0)
#define REG_ESR_EL1                     SYSREG(3, 0, 5, 2, 0)
#define REG_FAR_EL1                     SYSREG(3, 0, 6, 0, 0)
#define REG_VBAR_EL1                    SYSREG(3, 0, 12, 0, 0)
#define REG_ELR_EL1                     REG_CORE(elr_el1)
#define REG_SPSR_EL1                    REG_CORE(spsr[KVM_SPSR_EL1])

int reg_get(const struct vcpu *vcpu, uint64_t id, void *ret_value);
int reg_set(const struct vcpu *vcpu, uint64_t id, const void *value);
int reg_get_u64(const struct vcpu *vcpu, uint64_t id, uint64_t *ret_value);
int reg_set_u64(const struct vcpu *vcpu, uint64_t id, uint64_t value);

/* V0 to V31; setting one clears what SVE has above it, as an instruction that writes it does. */
int reg_get_v(const struct vcpu *vcpu, unsigned n, __uint128_t *ret_value);
int reg_set_v(const struct vcpu *vcpu, unsigned n, __uint128_t value);

#define PSTATE_SPSEL 1u
#define PSTATE_EL    0xCu

/* Which stack pointer code with PSTATE uses. */
static inline uint64_t reg_sp_id(uint64_t pstate)
{
	return pstate & PSTATE_EL && pstate & PSTATE_SPSEL ? REG_SPEL1 : REG_SP;
}

/* The instruction at the vCPU's PC, or at an address that it could have, if that is in RAM and the
 * guest has no EL2. */
bool regs_fetch(struct vcpu *vcpu, uint32_t *ret_insn);
bool regs_fetch_at(struct vcpu *vcpu, uint64_t pc, uint32_t *ret_insn);

/* ---- gic.c ---- */

/* Whether KVM can make a device of TYPE (KVM_DEV_TYPE_*) in the VM. */
bool gic_offered(int vm_fd, uint32_t type);

int gic_create(struct vm *vm, const char **ret_what);
/* Once all vCPUs are there. */
int gic_finish(struct vm *vm, const char **ret_what);
void gic_destroy(struct vm *vm);

/* ---- vcpu.c ---- */

/* Puts the vCPU into its state after reset. */
int vcpu_reset(struct vcpu *vcpu, bool off);

/* Turns on its PMU, if the machine has one; the GIC must be complete. */
int vcpu_finish_pmu(struct vcpu *vcpu, const char **ret_what);

/* Asks KVM for a throwaway vCPU's PSCI version. */
int psci_newest(int vm_fd, uint32_t *ret_version);

/* ---- nisv.c ---- */

/* KVM_EXIT_ARM_NISV: an access that the processor has not described. */
void exit_nisv(struct vcpu *vcpu);

#endif
