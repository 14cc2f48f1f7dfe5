/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search for the instruction that has made a write, in code that is anything. The first 8 bytes
 * choose mode and access, the next 30 are the code around RIP, what is left are registers.
 */
#include "lib/util.h"
#include "vmm/x86/insn.h"

#include <assert.h>
#include <string.h>

#define HEAD 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t target;

static bool reaches(void *ctx, uint64_t linear)
{
	assert(ctx == &target);
	return (linear & 0xFFF) == target;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vm_access access = {.write = true};
	struct kvm_sregs sregs = {0};
	struct kvm_regs regs = {0}, before;
	struct insn_write w = {.access = &access,
		.regs = &regs,
		.sregs = &sregs,
		.reaches = reaches,
		.ctx = &target};

	if (size < HEAD + sizeof(w.code))
		return 0;
	access.space = data[0] & 1 ? WINDOW_MMIO : WINDOW_PORT;
	access.size = 1u << (data[0] >> 1 & 3);
	access.value = data[1];
	access.address = data[2] | (uint64_t)data[3] << 8;
	target = access.address & 0xFFF;
	sregs.cs.l = data[4] & 1;
	sregs.cs.db = data[4] >> 1 & 1;
	sregs.efer = data[4] & 4 ? 0x400 : 0;
	sregs.ds.base = sregs.fs.base = data[5];
	w.before = data[6] % (INSN_BYTES + 1);
	w.after = data[7] % (INSN_BYTES + 1);
	memcpy(w.code, data + HEAD, sizeof(w.code));
	data += HEAD + sizeof(w.code);
	size -= HEAD + sizeof(w.code);
	memcpy(&regs, data, min_u64(size, sizeof(regs)));
	memset(&before, 0, sizeof(before));
	if (!insn_rewind(&w, &before))
		return 0;
	assert(regs.rip - before.rip <= w.before);
	/* Nothing else may differ. */
	before.rip = regs.rip;
	before.rsi = regs.rsi;
	before.rdi = regs.rdi;
	before.rcx = regs.rcx;
	assert(memcmp(&before, &regs, sizeof(regs)) == 0);
	return 0;
}
