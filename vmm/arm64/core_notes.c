/* SPDX-License-Identifier: BSD-3-Clause */
/* An arm64 vCPU in an ELF core: its registers as those of a thread, which gdb and crash read. */
#include "vmm/arm64/arm64.h"
#include "vmm/core_note.h"

#include <elf.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/user.h>

void arch_vcpu_core_notes(struct vcpu *vcpu, FILE *f)
{
	struct elf_prstatus status = {.pr_pid = (pid_t)vcpu->index + 1};
	struct user_regs_struct regs = {0};
	uint64_t value;

	_Static_assert(sizeof(regs) == sizeof(status.pr_reg), "what a thread's registers are");
	for (unsigned i = 0; i < 31; i++) {
		if (!reg_get_u64(vcpu, REG_X(i), &value))
			regs.regs[i] = value;
	}
	if (reg_get_u64(vcpu, REG_PC, &value))
		return;
	regs.pc = value;
	if (reg_get_u64(vcpu, REG_PSTATE, &value))
		return;
	regs.pstate = value;
	if (!reg_get_u64(vcpu, reg_sp_id(regs.pstate), &value))
		regs.sp = value;
	memcpy(&status.pr_reg, &regs, sizeof(regs));
	core_note_write(f, "CORE", NT_PRSTATUS, &status, sizeof(status));
}
