/* SPDX-License-Identifier: BSD-3-Clause */
/* The arm64 exit table: hypercalls, and what PSCI leaves to the monitor. */
#include "lib/util.h"
#include "vmm/arm64/arm64.h"

#include <sys/ioctl.h>

#define SMCCC_64BIT         (1u << 30) /* of a function ID [SMCCC 1.5 2.5] */
#define SMCCC_NOT_SUPPORTED ((uint64_t)-1)

static void registers_failed(struct vcpu *vcpu)
{
	vcpu_fatal(vcpu, END_MONITOR_ERROR, "registers of a vCPU",
		"KVM does not give or take a register of the vCPU");
}

/* ---- hypercalls ---- */

/* HVC or SMC with a function ID that forward_calls has asked for; the PC is behind it already. */
static void exit_hypercall(struct vcpu *vcpu)
{
	uint64_t nr = vcpu->run->hypercall.nr;
	uint64_t args[MACHINE_CALL_ARGS], results[MACHINE_CALL_RESULTS] = {SMCCC_NOT_SUPPORTED};
	struct vm_access call = {
		.space = WINDOW_CALL, .address = nr, .size = sizeof(nr), .write = true};
	unsigned count = 1;
	int ret = 0;

	for (unsigned i = 0; !ret && i < MACHINE_CALL_ARGS; i++) {
		ret = reg_get_u64(vcpu, REG_X(i + 1), &args[i]);
		if (!(nr & SMCCC_64BIT))
			args[i] = (uint32_t)args[i];
	}
	if (!ret && machine_call(vcpu->vm->machine, (uint16_t)nr, args, results))
		count = MACHINE_CALL_RESULTS;
	call.value = ret ? 0 : args[0];
	history_add(&vcpu->history, &call, count > 1);
	for (unsigned i = 0; !ret && i < count; i++)
		ret = reg_set_u64(vcpu, REG_X(i), results[i]);
	if (ret)
		registers_failed(vcpu);
}

/* ---- SYSTEM_SUSPEND [PSCI 1.1 5.20] ---- */

static int set_mp_state(struct vcpu *vcpu, uint32_t state)
{
	struct kvm_mp_state mp = {.mp_state = state};

	return ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp);
}

/*
 * KVM keeps the vCPU asleep until an interrupt wakes it. Its registers are still those of the call.
 * That all others are off is left to the guest, as nobody can ask KVM while they run.
 */
static void suspend(struct vcpu *vcpu)
{
	struct arch_vcpu *a = &vcpu->arch;
	uint64_t nr;

	if (reg_get_u64(vcpu, REG_X(0), &nr) || reg_get_u64(vcpu, REG_X(1), &a->resume_pc) ||
		reg_get_u64(vcpu, REG_X(2), &a->resume_x0) ||
		set_mp_state(vcpu, KVM_MP_STATE_SUSPENDED)) {
		registers_failed(vcpu);
		return;
	}
	if (!(nr & SMCCC_64BIT)) {
		a->resume_pc = (uint32_t)a->resume_pc;
		a->resume_x0 = (uint32_t)a->resume_x0;
	}
}

static void wake_up(struct vcpu *vcpu)
{
	if (vcpu_reset(vcpu, false) || reg_set_u64(vcpu, REG_PC, vcpu->arch.resume_pc) ||
		reg_set_u64(vcpu, REG_X(0), vcpu->arch.resume_x0) ||
		set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE))
		registers_failed(vcpu);
}

static void exit_system_event(struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SUSPEND:
		suspend(vcpu);
		return;
	case KVM_SYSTEM_EVENT_WAKEUP:
		wake_up(vcpu);
		return;
	default:
		vcpu_exit_system_event(vcpu);
	}
}

const char *arch_fail_entry_reason(uint64_t reason)
{
	/* [KVM API 5, KVM_EXIT_FAIL_ENTRY_CPU_UNSUPPORTED] */
	return reason == 1 ? "this host core is of a kind that the vCPU was not made for" : NULL;
}

const struct vcpu_exit arch_exits[VCPU_EXITS_MAX] = {
	[KVM_EXIT_MMIO] = {"mmio", vcpu_exit_mmio},
	[KVM_EXIT_ARM_NISV] = {"nisv", exit_nisv},
	[KVM_EXIT_HYPERCALL] = {"hypercall", exit_hypercall},
	[KVM_EXIT_INTR] = {"signal", vcpu_exit_intr},
	[KVM_EXIT_FAIL_ENTRY] = {"fail-entry", vcpu_exit_fail_entry},
	[KVM_EXIT_INTERNAL_ERROR] = {"internal-error", vcpu_exit_internal_error},
	[KVM_EXIT_SYSTEM_EVENT] = {"system-event", exit_system_event},
};
