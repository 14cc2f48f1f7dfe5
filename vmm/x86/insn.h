/* SPDX-License-Identifier: BSD-3-Clause */
/* Which instruction has just made a write, found from its end. */
#ifndef VMM_X86_INSN_H
#define VMM_X86_INSN_H

#include "vmm/vm.h"

#include <linux/kvm.h>

#define INSN_BYTES 15 /* the longest instruction [SDM 2A 2.3.11] */

struct insn_write {
	const struct vm_access *access;
	const struct kvm_regs *regs; /* after the instruction, or amid a repeated one */
	const struct kvm_sregs *sregs;
	uint8_t code[2 * INSN_BYTES]; /* around RIP, which is at code[INSN_BYTES] */
	unsigned before, after;       /* how many bytes on either side are there */
	/* Whether the linear address is that of ACCESS. */
	bool (*reaches)(void *ctx, uint64_t linear);
	void *ctx;
};

/*
 * The registers before the instruction (or before that round of a repeated one) in *RET_REGS. False
 * when no instruction that we know, ending at RIP or repeated there, can have made the access.
 *
 * Known are MOV, MOVNTI, the vector moves of 0F 11, 29, 2B, 7F and E7, STOS, MOVS, OUT and OUTS.
 * The shortest instruction that fits is taken: a prefix without effect is left out.
 */
bool insn_rewind(const struct insn_write *w, struct kvm_regs *ret_regs);

#endif
