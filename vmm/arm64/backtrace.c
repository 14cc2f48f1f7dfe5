/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a backtrace of an arm64 vCPU starts, and by what a relocated Linux shows where it is. */
#include "vmm/arm64/arm64.h"
#include "vmm/arm64/call.h"

#define FRAME_POINTER 29
#define LINK          30

bool arch_vcpu_backtrace(
	struct vcpu *vcpu, const struct space *space, struct backtrace_start *ret_start)
{
	struct backtrace_start start = {.word = 8, .ends_in_call = arm64_ends_in_call};
	uint64_t pstate, vbar;

	(void)space; /* all is in registers */
	if (reg_get_u64(vcpu, REG_PC, &start.pc) || reg_get_u64(vcpu, REG_PSTATE, &pstate) ||
		reg_get_u64(vcpu, reg_sp_id(pstate), &start.sp) ||
		reg_get_u64(vcpu, REG_X(FRAME_POINTER), &start.fp) ||
		reg_get_u64(vcpu, REG_X(LINK), &start.link))
		return false;
	if (!reg_get_u64(vcpu, REG_VBAR_EL1, &vbar) && vbar) {
		start.anchors[0] = (struct backtrace_anchor){"VBAR", vbar};
		start.anchor_count = 1;
	}
	*ret_start = start;
	return true;
}
