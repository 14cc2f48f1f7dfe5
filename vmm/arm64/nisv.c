/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accesses to device memory that the processor has not described: its syndrome register has no
 * valid ISS for them (KVM_CAP_ARM_NISV_TO_USER). The instruction is fetched, decoded and emulated
 * where that is exact: each register an access of its own, one of 16 bytes two of 8, in ascending
 * order, as the processor may make them [Arm ARM DDI 0487 B2.2.1]. What is not known here, or does
 * not lie in one page of its own, is a fault of the guest's where on_violation says `inject`, which
 * takes no knowledge of the instruction, and elsewhere a fatal error that names it.
 */
#include "lib/util.h"
#include "vmm/arm64/arm64.h"
#include "vmm/arm64/insn.h"

#include <inttypes.h>
#include <stdio.h>

#define PAGE ((uint64_t)4 * KIB) /* the smallest that stage 2 has */

#define ISS_WNR (1u << 6) /* a write [D17.2.40] */

#define PSTATE_AARCH32 0x10u

/* Data accesses of EL0 and of EL1 are big-endian. */
#define SCTLR_E0E (1u << 24)
#define SCTLR_EE  (1u << 25)

union value {
	uint64_t x[2];
	__uint128_t v;
};

/* One instruction in progress. */
struct access {
	struct vcpu *vcpu;
	uint32_t insn;
	struct insn_access i;
	gpa_t ipa;  /* of the first byte */
	bool write; /* as the processor says */
	uint64_t pc, pstate, base;
	union value values[2];
};

static void give_up(const struct access *a, const char *why)
{
	char what[160];

	snprintf(what, sizeof(what),
		"instruction 0x%08" PRIx32 " accesses device memory at 0x%" PRIx64 ": %s", a->insn,
		a->ipa, why);
	vcpu_fatal(a->vcpu, END_INTERNAL_ERROR, "access without syndrome", what);
}

/* The same, but for what the guest has done: it may get a fault for that. */
static void refuse(const struct access *a, const char *why)
{
	const struct vm_access access = {
		.space = WINDOW_MMIO, .address = a->ipa, .write = a->write};

	if (a->vcpu->vm->policy.on_violation != VM_VIOLATION_INJECT ||
		arch_vcpu_inject_fault(a->vcpu, &access))
		give_up(a, why);
}

/* What kind of code it is, before its instruction is looked at. */
static int get_state(struct access *a, bool *ret_known)
{
	uint64_t sctlr;
	int ret = reg_get_u64(a->vcpu, REG_PC, &a->pc);

	if (!ret)
		ret = reg_get_u64(a->vcpu, REG_PSTATE, &a->pstate);
	if (!ret)
		ret = reg_get_u64(a->vcpu, REG_SCTLR_EL1, &sctlr);
	if (!ret)
		*ret_known = !(a->pstate & PSTATE_AARCH32) &&
			     !(sctlr & (a->pstate & PSTATE_EL ? SCTLR_EE : SCTLR_E0E));
	return ret;
}

/* Register 31 is the stack pointer: one of the two. */
static uint64_t base_id(const struct access *a)
{
	return a->i.rn == INSN_REG_31 ? reg_sp_id(a->pstate) : REG_X(a->i.rn);
}

static int get_base(struct access *a)
{
	if (!a->i.literal)
		return reg_get_u64(a->vcpu, base_id(a), &a->base);
	a->base = a->pc;
	return 0;
}

static unsigned register_of(const struct access *a, unsigned n)
{
	return n ? a->i.rt2 : a->i.rt;
}

static int get_values(struct access *a)
{
	int ret = 0;

	for (unsigned n = 0; !ret && n < a->i.count; n++) {
		unsigned r = register_of(a, n);

		a->values[n].v = 0;
		if (a->i.simd)
			ret = reg_get_v(a->vcpu, r, &a->values[n].v);
		else if (r != INSN_REG_31)
			ret = reg_get_u64(a->vcpu, REG_X(r), &a->values[n].x[0]);
	}
	return ret;
}

static uint64_t extend(const struct insn_access *i, uint64_t value)
{
	uint64_t sign = (uint64_t)1 << (8 * i->size - 1);

	if (i->sign)
		value = (value ^ sign) - sign;
	return i->width == 4 ? (uint32_t)value : value;
}

static int put_values(const struct access *a)
{
	int ret = 0;

	for (unsigned n = 0; !ret && n < a->i.count; n++) {
		unsigned r = register_of(a, n);

		if (a->i.simd)
			ret = reg_set_v(a->vcpu, r, a->values[n].v);
		else if (r != INSN_REG_31)
			ret = reg_set_u64(a->vcpu, REG_X(r), extend(&a->i, a->values[n].x[0]));
	}
	return ret;
}

/* At most 8 bytes. False when the exit is over: a violation that is not ignored. */
static bool move_part(const struct access *a, gpa_t at, unsigned size, uint64_t *value)
{
	const struct machine *m = a->vcpu->vm->machine;
	struct vm_access access = {
		.space = WINDOW_MMIO, .address = at, .size = size, .write = !a->i.load};
	bool claimed;

	if (a->i.load)
		claimed = machine_read(m, WINDOW_MMIO, at, size, value);
	else
		claimed = machine_write(m, WINDOW_MMIO, at, size, *value);
	access.value = *value;
	history_add(&a->vcpu->history, &access, claimed);
	return claimed || vcpu_violation(a->vcpu, &access);
}

static bool move_values(struct access *a)
{
	unsigned part = (unsigned)min_u64(a->i.size, sizeof(uint64_t));
	uint64_t mask = part == sizeof(uint64_t) ? UINT64_MAX : ((uint64_t)1 << (8 * part)) - 1;

	for (unsigned n = 0; n < a->i.count; n++) {
		for (unsigned at = 0; at < a->i.size; at += part) {
			uint64_t value = a->values[n].x[at / 8] & mask;

			if (!move_part(a, a->ipa + n * a->i.size + at, part, &value))
				return false;
			if (a->i.load)
				a->values[n].x[at / 8] = value & mask;
		}
	}
	return true;
}

static int write_back(const struct access *a)
{
	if (!a->i.writeback)
		return 0;
	return reg_set_u64(a->vcpu, base_id(a), a->base + (uint64_t)a->i.offset);
}

/*
 * The address that aborted is the first byte of the access, or of that part of it which lies in a
 * page of devices: the rest is then somewhere else.
 */
static bool is_whole(const struct access *a)
{
	uint64_t va = a->base + (a->i.post ? 0 : (uint64_t)a->i.offset);
	unsigned size = a->i.count * a->i.size;

	if (a->i.has_offset && va % PAGE != a->ipa % PAGE)
		return false;
	return a->ipa % PAGE + size <= PAGE;
}

void exit_nisv(struct vcpu *vcpu)
{
	struct access a = {.vcpu = vcpu,
		.ipa = vcpu->run->arm_nisv.fault_ipa,
		.write = vcpu->run->arm_nisv.esr_iss & ISS_WNR};
	bool known;

	if (get_state(&a, &known)) {
		give_up(&a, "KVM does not give its registers");
		return;
	}
	if (!known) {
		refuse(&a,
			"only little-endian A64 code can be emulated; use plain loads and stores");
		return;
	}
	if (!regs_fetch(vcpu, &a.insn)) {
		refuse(&a, "the instruction cannot be fetched from where the PC points to");
		return;
	}
	if (!insn_decode(a.insn, &a.i)) {
		refuse(&a,
			"such instructions cannot be emulated exactly; use plain loads and stores");
		return;
	}
	/* Or who may only read a device could write to it, by changing its code in time. */
	if (a.i.load == a.write) {
		refuse(&a, "it was another instruction when it was executed");
		return;
	}
	if (get_base(&a) || (!a.i.load && get_values(&a))) {
		give_up(&a, "KVM does not give its registers");
		return;
	}
	if (!is_whole(&a)) {
		refuse(&a, "it crosses the end of a page");
		return;
	}
	if (!move_values(&a))
		return;
	if ((a.i.load && put_values(&a)) || write_back(&a) || reg_set_u64(vcpu, REG_PC, a.pc + 4))
		give_up(&a, "KVM does not take its registers");
}
