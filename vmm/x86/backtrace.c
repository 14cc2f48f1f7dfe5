/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a backtrace of an x86 vCPU starts, and by what a relocated Linux shows where it is. */
#include "lib/util.h"
#include "vmm/x86/call.h"
#include "vmm/x86/x86.h"

#include <string.h>
#include <sys/ioctl.h>

#define MSR_LSTAR 0xC0000082
#define EFER_LMA  ((uint64_t)1 << 10)

/* The handler of a gate of long mode [SDM 3A 6.14.1]. */
struct gate {
	uint16_t offset_0;
	uint16_t selector, type;
	uint16_t offset_16;
	uint32_t offset_32, zero;
};

static void add_anchor(struct backtrace_start *start, const char *name, uint64_t address)
{
	if (address)
		start->anchors[start->anchor_count++] = (struct backtrace_anchor){name, address};
}

static uint64_t lstar_get(const struct vcpu *vcpu)
{
	struct kvm_msr_entry entry = {.index = MSR_LSTAR};
	AUTO_FREE struct kvm_msrs *msrs = calloc(1, sizeof(*msrs) + sizeof(entry));

	if (!msrs)
		return 0;
	msrs->nmsrs = 1;
	msrs->entries[0] = entry;
	return ioctl(vcpu->fd, KVM_GET_MSRS, msrs) == 1 ? msrs->entries[0].data : 0;
}

static uint64_t divide_error_get(
	const struct vcpu *vcpu, const struct space *space, const struct kvm_sregs *sregs)
{
	struct gate gate;

	if (sregs->idt.limit < sizeof(gate) - 1 ||
		!space_read(&vcpu->vm->machine->gmem, space, sregs->idt.base, &gate, sizeof(gate)))
		return 0;
	return gate.offset_0 | (uint64_t)gate.offset_16 << 16 | (uint64_t)gate.offset_32 << 32;
}

bool arch_vcpu_backtrace(
	struct vcpu *vcpu, const struct space *space, struct backtrace_start *ret_start)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) || ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return false;
	*ret_start = (struct backtrace_start){
		.pc = sregs.cs.base + regs.rip,
		.sp = sregs.ss.base + regs.rsp,
		.fp = sregs.ss.base + regs.rbp,
		.word = sregs.efer & EFER_LMA && sregs.cs.l ? 8 : 4,
		.ends_in_call = x86_ends_in_call,
	};
	if (sregs.efer & EFER_LMA) {
		add_anchor(ret_start, "LSTAR", lstar_get(vcpu));
		add_anchor(ret_start, "#DE", divide_error_get(vcpu, space, &sregs));
	}
	return true;
}
