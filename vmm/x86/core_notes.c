/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An x86 vCPU in an ELF core: its registers as those of a thread, which is what gdb reads, and what
 * QEMU adds of its own for crash, which finds a relocated Linux by it (target/i386/arch_dump.c has
 * the layout).
 */
#include "vmm/core_note.h"
#include "vmm/x86/x86.h"

#include <elf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/procfs.h>
#include <sys/user.h>

struct qemu_segment {
	uint32_t selector, limit;
	uint32_t flags; /* the descriptor's upper half [SDM 3A 3.4.5] */
	uint32_t zero;
	uint64_t base;
};

struct qemu_cpu {
	uint32_t version, size;
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags;
	struct qemu_segment cs, ds, es, fs, gs, ss, ldt, tr, gdt, idt;
	uint64_t cr[5];
};

#define QEMU_CPU_VERSION 1
#define QEMU_NOTE_TYPE   0

static struct qemu_segment segment(const struct kvm_segment *s)
{
	return (struct qemu_segment){
		.selector = s->selector,
		.limit = s->limit,
		.flags = (uint32_t)s->type << 8 | (uint32_t)s->s << 12 | (uint32_t)s->dpl << 13 |
			 (uint32_t)s->present << 15 | (uint32_t)s->avl << 20 |
			 (uint32_t)s->l << 21 | (uint32_t)s->db << 22 | (uint32_t)s->g << 23,
		.base = s->base,
	};
}

static struct qemu_segment table(const struct kvm_dtable *t)
{
	return (struct qemu_segment){.limit = t->limit, .base = t->base};
}

static void write_qemu(const struct kvm_regs *r, const struct kvm_sregs *s, FILE *f)
{
	const struct qemu_cpu cpu = {
		.version = QEMU_CPU_VERSION,
		.size = sizeof(cpu),
		.rax = r->rax,
		.rbx = r->rbx,
		.rcx = r->rcx,
		.rdx = r->rdx,
		.rsi = r->rsi,
		.rdi = r->rdi,
		.rsp = r->rsp,
		.rbp = r->rbp,
		.r8 = r->r8,
		.r9 = r->r9,
		.r10 = r->r10,
		.r11 = r->r11,
		.r12 = r->r12,
		.r13 = r->r13,
		.r14 = r->r14,
		.r15 = r->r15,
		.rip = r->rip,
		.rflags = r->rflags,
		.cs = segment(&s->cs),
		.ds = segment(&s->ds),
		.es = segment(&s->es),
		.fs = segment(&s->fs),
		.gs = segment(&s->gs),
		.ss = segment(&s->ss),
		.ldt = segment(&s->ldt),
		.tr = segment(&s->tr),
		.gdt = table(&s->gdt),
		.idt = table(&s->idt),
		.cr = {s->cr0, 0, s->cr2, s->cr3, s->cr4},
	};

	core_note_write(f, "QEMU", QEMU_NOTE_TYPE, &cpu, sizeof(cpu));
}

static void write_prstatus(
	const struct vcpu *vcpu, const struct kvm_regs *r, const struct kvm_sregs *s, FILE *f)
{
	const struct user_regs_struct regs = {
		.r15 = r->r15,
		.r14 = r->r14,
		.r13 = r->r13,
		.r12 = r->r12,
		.rbp = r->rbp,
		.rbx = r->rbx,
		.r11 = r->r11,
		.r10 = r->r10,
		.r9 = r->r9,
		.r8 = r->r8,
		.rax = r->rax,
		.rcx = r->rcx,
		.rdx = r->rdx,
		.rsi = r->rsi,
		.rdi = r->rdi,
		.rip = r->rip,
		.cs = s->cs.selector,
		.eflags = r->rflags,
		.rsp = r->rsp,
		.ss = s->ss.selector,
		.fs_base = s->fs.base,
		.gs_base = s->gs.base,
		.ds = s->ds.selector,
		.es = s->es.selector,
		.fs = s->fs.selector,
		.gs = s->gs.selector,
	};
	struct elf_prstatus status = {.pr_pid = (pid_t)vcpu->index + 1};

	_Static_assert(sizeof(regs) == sizeof(status.pr_reg), "what a thread's registers are");
	memcpy(&status.pr_reg, &regs, sizeof(regs));
	core_note_write(f, "CORE", NT_PRSTATUS, &status, sizeof(status));
}

void arch_vcpu_core_notes(struct vcpu *vcpu, FILE *f)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) || ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return;
	write_prstatus(vcpu, &regs, &sregs, f);
	write_qemu(&regs, &sregs, f);
}
