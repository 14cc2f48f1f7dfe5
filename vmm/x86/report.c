/* SPDX-License-Identifier: BSD-3-Clause */
/* What an x86 vCPU looked like when it could not go on. */
#include "lib/util.h"
#include "vmm/x86/insn.h"
#include "vmm/x86/paging.h"
#include "vmm/x86/x86.h"

#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>

bool arch_vcpu_pc(struct vcpu *vcpu, uint64_t *ret_pc)
{
	struct kvm_regs regs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs))
		return false;
	*ret_pc = regs.rip;
	return true;
}

bool arch_vcpu_space(struct vcpu *vcpu, struct space *ret_space)
{
	struct kvm_sregs s;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &s))
		return false;
	x86_space(&(struct x86_paging){.cr0 = s.cr0, .cr3 = s.cr3, .cr4 = s.cr4, .efer = s.efer},
		ret_space);
	return true;
}

#define CR0_PE    (1u << 0)
#define EFER_LMA  (1u << 10)
#define RFLAGS_IF (1u << 9)
#define RFLAGS_VM (1u << 17)

/* [SDM 3A 2.2] */
static void describe_mode(
	const struct kvm_regs *r, const struct kvm_sregs *s, struct vcpu_look *look)
{
	const char *width = s->efer & EFER_LMA && s->cs.l ? "64" : s->cs.db ? "32" : "16";

	if (!(s->cr0 & CR0_PE))
		snprintf(look->mode, sizeof(look->mode), "real mode");
	else if (r->rflags & RFLAGS_VM)
		snprintf(look->mode, sizeof(look->mode), "virtual-8086 mode");
	else
		snprintf(look->mode, sizeof(look->mode), "%s-bit, ring %u", width,
			s->cs.selector & 3u);
}

void arch_vcpu_look(struct vcpu *vcpu, struct vcpu_look *look)
{
	static const enum look_state states[] = {
		[KVM_MP_STATE_RUNNABLE] = LOOK_RUNS,
		[KVM_MP_STATE_UNINITIALIZED] = LOOK_OFF,
		[KVM_MP_STATE_INIT_RECEIVED] = LOOK_OFF,
		[KVM_MP_STATE_HALTED] = LOOK_HALTED,
		[KVM_MP_STATE_SIPI_RECEIVED] = LOOK_OFF,
	};
	struct kvm_mp_state mp;
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) || ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) ||
		ioctl(vcpu->fd, KVM_GET_MP_STATE, &mp))
		return;
	look->state = mp.mp_state < ARRAY_SIZE(states) ? states[mp.mp_state] : LOOK_UNKNOWN;
	look->interrupts = regs.rflags & RFLAGS_IF;
	look->pc = sregs.cs.base + regs.rip;
	describe_mode(&regs, &sregs, look);
}

static void describe_regs(const struct kvm_regs *r, const struct kvm_sregs *s, FILE *f)
{
	fprintf(f,
		"  RIP %016llx  RFLAGS %08llx  CS %04x base %llx\n"
		"  RAX %016llx  RBX %016llx  RCX %016llx  RDX %016llx\n"
		"  RSI %016llx  RDI %016llx  RBP %016llx  RSP %016llx\n"
		"  R8  %016llx  R9  %016llx  R10 %016llx  R11 %016llx\n"
		"  R12 %016llx  R13 %016llx  R14 %016llx  R15 %016llx\n"
		"  CR0 %08llx  CR2 %016llx  CR3 %016llx  CR4 %08llx  EFER %llx\n"
		"  GDT %llx+%x  IDT %llx+%x\n",
		r->rip, r->rflags, s->cs.selector, s->cs.base, r->rax, r->rbx, r->rcx, r->rdx,
		r->rsi, r->rdi, r->rbp, r->rsp, r->r8, r->r9, r->r10, r->r11, r->r12, r->r13,
		r->r14, r->r15, s->cr0, s->cr2, s->cr3, s->cr4, s->efer, s->gdt.base, s->gdt.limit,
		s->idt.base, s->idt.limit);
}

static void print_bytes(const uint8_t *bytes, size_t n, FILE *f)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, " %02x", bytes[i]);
	fputc('\n', f);
}

/* The bytes at the linear address, as far as they are on one page of RAM. */
static void describe_code(struct vcpu *vcpu, uint64_t linear, FILE *f)
{
	struct kvm_translation tr = {.linear_address = linear};
	uint64_t n = min_u64(INSN_BYTES, 4096 - linear % 4096);
	uint8_t bytes[INSN_BYTES];

	if (ioctl(vcpu->fd, KVM_TRANSLATE, &tr) || !tr.valid ||
		gmem_read(&vcpu->vm->machine->gmem, tr.physical_address, bytes, n)) {
		fprintf(f, "  code at RIP: not readable (no translation, or not RAM)\n");
		return;
	}
	fprintf(f, "  code at RIP:");
	print_bytes(bytes, n, f);
}

/* KVM reports the failed instruction itself where it has it [KVM API 5, emulation_failure]. */
static bool describe_emulation_failure(const struct kvm_run *run, FILE *f)
{
	if (run->exit_reason != KVM_EXIT_INTERNAL_ERROR ||
		run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION || run->internal.ndata < 3 ||
		!(run->emulation_failure.flags &
			KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES))
		return false;
	fprintf(f, "  code at RIP:");
	print_bytes(run->emulation_failure.insn_bytes,
		min_u64(run->emulation_failure.insn_size, INSN_BYTES), f);
	return true;
}

void arch_vcpu_describe(struct vcpu *vcpu, FILE *f)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) || ioctl(vcpu->fd, KVM_GET_SREGS, &sregs)) {
		fprintf(f, "  registers: KVM does not give them\n");
		return;
	}
	describe_regs(&regs, &sregs, f);
	/* AMD hosts reset a vCPU that shuts down [APM 2 15.14.3]; its state is then gone. */
	if (vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN && regs.rip == 0xFFF0 &&
		sregs.cs.base == 0xFFFF0000)
		fprintf(f, "  (the host's KVM reset the vCPU: these are reset values)\n");
	else if (!describe_emulation_failure(vcpu->run, f))
		describe_code(vcpu, sregs.cs.base + regs.rip, f);
}

const char *arch_fail_entry_reason(uint64_t reason)
{
	static const struct {
		uint64_t reason;
		const char *text;
	} reasons[] = {
		/* VM-entry failures of Intel processors, bit 31 set [SDM 3C C]. */
		{0x80000021, "invalid guest state"},
		{0x80000022, "MSR loading failed"},
		{0x80000029, "a machine check during entry"},
		/* VMEXIT_INVALID of AMD processors [APM 2 C]. */
		{0xFFFFFFFFFFFFFFFF, "invalid guest state"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (reasons[i].reason == reason)
			return reasons[i].text;
	}
	return NULL;
}
