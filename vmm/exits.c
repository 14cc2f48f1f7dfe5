/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The exits that both architectures have. Reads and writes that nobody claims give all-ones and are
 * dropped, and are then a violation; what KVM or the processor cannot go on from is a fatal error.
 */
#include "lib/util.h"
#include "vmm/vcpu.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

void vcpu_exit_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	const struct machine *m = vcpu->vm->machine;
	unsigned size = (unsigned)min_u64(run->mmio.len, sizeof(uint64_t));
	struct vm_access access = {.space = WINDOW_MMIO,
		.address = run->mmio.phys_addr,
		.size = size,
		.write = run->mmio.is_write};
	uint64_t value = 0;
	bool claimed;

	/* KVM keeps the value in the guest's byte order, which is little-endian, as all hosts are.
	 */
	if (run->mmio.is_write) {
		memcpy(&value, run->mmio.data, size);
		claimed = machine_write(m, WINDOW_MMIO, run->mmio.phys_addr, size, value);
	} else {
		claimed = machine_read(m, WINDOW_MMIO, run->mmio.phys_addr, size, &value);
		memcpy(run->mmio.data, &value, size);
	}
	access.value = value;
	history_add(&vcpu->history, &access, claimed);
	if (!claimed)
		vcpu_violation(vcpu, &access);
}

void vcpu_exit_intr(struct vcpu *vcpu)
{
	(void)vcpu; /* a signal: the loop looks at `wanted` */
}

void vcpu_exit_system_event(struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_end(vcpu->vm, END_POWER_OFF, 0, "system power-off");
		break;
	case KVM_SYSTEM_EVENT_RESET:
		vm_end(vcpu->vm, END_RESET, 0, "system reset");
		break;
	case KVM_SYSTEM_EVENT_CRASH:
		vcpu_fatal(vcpu, END_UNKNOWN_EXIT, "guest crash",
			"the guest's firmware interface reports that it has crashed");
		break;
	default:
		vcpu_fatal(vcpu, END_UNKNOWN_EXIT, "system event",
			"a system event that this monitor does not know");
	}
}

void vcpu_exit_fail_entry(struct vcpu *vcpu)
{
	uint64_t reason = vcpu->run->fail_entry.hardware_entry_failure_reason;
	const char *text = arch_fail_entry_reason(reason);
	char what[160];

	snprintf(what, sizeof(what),
		"the processor refused to enter the guest: reason 0x%" PRIx64 "%s%s", reason,
		text ? ": " : "", text ? text : "");
	vcpu_fatal(vcpu, END_FAIL_ENTRY, "failed entry", what);
}

void vcpu_exit_internal_error(struct vcpu *vcpu)
{
	static const char *const meanings[] = {
		[KVM_INTERNAL_ERROR_EMULATION] =
			"KVM had to emulate an instruction and does not know how",
		[KVM_INTERNAL_ERROR_SIMUL_EX] = "KVM met an exception while it delivered another",
		[KVM_INTERNAL_ERROR_DELIVERY_EV] = "KVM met an exit while it delivered an event",
		[KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON] =
			"the processor gave KVM an exit that it does not know",
	};
	uint32_t suberror = vcpu->run->internal.suberror;
	const char *meaning = suberror < ARRAY_SIZE(meanings) ? meanings[suberror] : NULL;
	char what[160];

	snprintf(what, sizeof(what), "KVM internal error %" PRIu32 ": %s", suberror,
		meaning ? meaning : "of a kind that this monitor does not know");
	vcpu_fatal(vcpu, END_INTERNAL_ERROR, "KVM internal error", what);
}

void vcpu_exit_shutdown(struct vcpu *vcpu)
{
	vcpu_fatal(vcpu, END_TRIPLE_FAULT, "triple fault",
		"triple fault: an exception while the guest's double-fault handler was called");
}

void vcpu_exit_unknown(struct vcpu *vcpu)
{
	char what[64];

	snprintf(what, sizeof(what), "KVM exit %" PRIu32 ", which nothing here expects",
		vcpu->run->exit_reason);
	vcpu_fatal(vcpu, END_UNKNOWN_EXIT, "unexpected KVM exit", what);
}
