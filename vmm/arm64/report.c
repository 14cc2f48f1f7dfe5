/* SPDX-License-Identifier: BSD-3-Clause */
/* What an arm64 vCPU looked like when it could not go on. */
#include "lib/util.h"
#include "vmm/arm64/arm64.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>

bool arch_vcpu_pc(struct vcpu *vcpu, uint64_t *ret_pc)
{
	return !reg_get_u64(vcpu, REG_PC, ret_pc);
}

#define PSTATE_I    (1u << 7)
#define PSTATE_MODE 0xF
#define PSTATE_AA32 (1u << 4) /* M[4] [Arm ARM DDI 0487 C5.2.19] */
#define INSN_WFI    0xD503207F
#define INSN_BYTES  4

/* A vCPU in WFI is for KVM one that runs; when it has to leave it there, it is behind it. */
static bool is_at_wfi(struct vcpu *vcpu, uint64_t pc)
{
	uint32_t insn;

	return (regs_fetch_at(vcpu, pc, &insn) && insn == INSN_WFI) ||
	       (regs_fetch_at(vcpu, pc - INSN_BYTES, &insn) && insn == INSN_WFI);
}

void arch_vcpu_look(struct vcpu *vcpu, struct vcpu_look *look)
{
	static const char *const modes[PSTATE_MODE + 1] = {
		[0] = "EL0", [4] = "EL1t", [5] = "EL1h", [8] = "EL2t", [9] = "EL2h"};
	struct kvm_mp_state mp;
	uint64_t pc, pstate;
	const char *mode;

	if (reg_get_u64(vcpu, REG_PC, &pc) || reg_get_u64(vcpu, REG_PSTATE, &pstate) ||
		ioctl(vcpu->fd, KVM_GET_MP_STATE, &mp))
		return;
	mode = pstate & PSTATE_AA32 ? "AArch32" : modes[pstate & PSTATE_MODE];
	snprintf(look->mode, sizeof(look->mode), "%s", mode ?: "?");
	look->pc = pc;
	look->interrupts = !(pstate & PSTATE_I);
	if (mp.mp_state == KVM_MP_STATE_STOPPED)
		look->state = LOOK_OFF;
	else if (mp.mp_state == KVM_MP_STATE_SUSPENDED || is_at_wfi(vcpu, pc))
		look->state = LOOK_HALTED;
	else
		look->state = LOOK_RUNS;
}

struct shown {
	const char *name;
	uint64_t id;
};

static void describe_row(struct vcpu *vcpu, const struct shown *regs, unsigned count, FILE *f)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t value;

		if (reg_get_u64(vcpu, regs[i].id, &value))
			fprintf(f, "  %-5s ?               ", regs[i].name);
		else
			fprintf(f, "  %-5s %016" PRIx64, regs[i].name, value);
	}
	fputc('\n', f);
}

static void describe_general(struct vcpu *vcpu, FILE *f)
{
	for (unsigned i = 0; i < 31; i++) {
		uint64_t value = 0;

		reg_get_u64(vcpu, REG_X(i), &value);
		fprintf(f, "  X%-4u %016" PRIx64 "%s", i, value, i % 4 == 3 || i == 30 ? "\n" : "");
	}
}

void arch_vcpu_describe(struct vcpu *vcpu, FILE *f)
{
	static const struct shown rows[][4] = {
		{{"PC", REG_PC}, {"PSTAT", REG_PSTATE}, {"SP", REG_SPEL1}, {"SPEL0", REG_SP}},
		{{"ELR", REG_ELR_EL1}, {"SPSR", REG_SPSR_EL1}, {"ESR", REG_ESR_EL1},
			{"FAR", REG_FAR_EL1}},
		{{"SCTLR", REG_SCTLR_EL1}, {"TCR", REG_TCR_EL1}, {"TTBR0", REG_TTBR0_EL1},
			{"TTBR1", REG_TTBR1_EL1}},
		{{"VBAR", REG_VBAR_EL1}, {"MPIDR", REG_MPIDR_EL1}},
	};
	uint32_t insn;

	describe_general(vcpu, f);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		describe_row(vcpu, rows[i], rows[i][3].name ? 4 : 2, f);
	if (regs_fetch(vcpu, &insn))
		fprintf(f, "  instruction at PC: %08" PRIx32 "\n", insn);
	else
		fprintf(f,
			"  instruction at PC: not readable (no translation, not RAM, or nested: true)\n");
}
