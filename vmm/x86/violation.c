/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking back an access that the guest may not make, and a fault in its place.
 *
 * KVM gives user space an access in the middle of its instruction, and goes on with that at the
 * next KVM_RUN. A read's registers are then still those before the instruction; they are kept while
 * KVM finishes it, and put back. So are those of an OUT that KVM has not emulated. Any other write
 * is over for KVM when user space hears of it: its registers are those after the instruction, which
 * is looked for among the bytes before RIP.
 */
#include "vmm/x86/insn.h"
#include "vmm/x86/x86.h"

#include <errno.h>
#include <sys/ioctl.h>

#define CR0_PE    (1u << 0)
#define VECTOR_GP 13

struct place {
	struct vcpu *vcpu;
	const struct vm_access *access;
};

static bool translate(struct vcpu *vcpu, uint64_t linear, uint64_t *ret_gpa)
{
	struct kvm_translation tr = {.linear_address = linear};

	if (ioctl(vcpu->fd, KVM_TRANSLATE, &tr) || !tr.valid)
		return false;
	*ret_gpa = tr.physical_address;
	return true;
}

static bool reaches(void *ctx, uint64_t linear)
{
	const struct place *p = ctx;
	uint64_t gpa;

	return translate(p->vcpu, linear, &gpa) && gpa == p->access->address;
}

static bool read_byte(struct vcpu *vcpu, uint64_t linear, uint8_t *ret_byte)
{
	uint64_t gpa;

	return translate(vcpu, linear, &gpa) &&
	       !gmem_read(&vcpu->vm->machine->gmem, gpa, ret_byte, 1);
}

static void read_code(struct vcpu *vcpu, struct insn_write *w)
{
	uint64_t rip = w->sregs->cs.base + w->regs->rip;

	while (w->before < INSN_BYTES &&
		read_byte(vcpu, rip - w->before - 1, &w->code[INSN_BYTES - w->before - 1]))
		w->before++;
	while (w->after < INSN_BYTES &&
		read_byte(vcpu, rip + w->after, &w->code[INSN_BYTES + w->after]))
		w->after++;
}

/* From the registers after a write to those before it; -ENOENT when it is not to be found. */
static int rewind_write(
	struct vcpu *vcpu, const struct vm_access *access, const struct kvm_regs *after)
{
	struct place place = {.vcpu = vcpu, .access = access};
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	struct insn_write w = {.access = access,
		.regs = after,
		.sregs = &sregs,
		.reaches = reaches,
		.ctx = &place};

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return -errno;
	read_code(vcpu, &w);
	if (!insn_rewind(&w, &regs))
		return -ENOENT;
	return ioctl(vcpu->fd, KVM_SET_REGS, &regs) ? -errno : 0;
}

int arch_vcpu_undo_access(struct vcpu *vcpu, const struct vm_access *access)
{
	struct kvm_regs before, after;
	int ret;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &before))
		return -errno;
	ret = vcpu_finish_access(vcpu);
	if (ret)
		return ret;
	if (access->write) {
		if (ioctl(vcpu->fd, KVM_GET_REGS, &after))
			return -errno;
		if (before.rip == after.rip) {
			ret = rewind_write(vcpu, access, &after);
			/* Not found: the place after it is the best there is. */
			return ret == -ENOENT ? 0 : ret;
		}
	}
	return ioctl(vcpu->fd, KVM_SET_REGS, &before) ? -errno : 0;
}

int arch_vcpu_inject_fault(struct vcpu *vcpu, const struct vm_access *access)
{
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	int ret = arch_vcpu_undo_access(vcpu, access);

	if (ret)
		return ret;
	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) || ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events))
		return -errno;
	/* Not what other vCPUs send: an NMI or INIT may have come since, and would be taken back.
	 */
	events.flags = 0;
	events.exception.injected = 1;
	events.exception.nr = VECTOR_GP;
	events.exception.has_error_code = sregs.cr0 & CR0_PE; /* none in real mode */
	events.exception.error_code = 0;
	return ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events) ? -errno : 0;
}

int arch_vcpu_inject_serror(struct vcpu *vcpu)
{
	(void)vcpu;
	return -EOPNOTSUPP;
}
