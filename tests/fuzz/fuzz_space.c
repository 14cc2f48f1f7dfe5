/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page tables that are anything: the first 32 bytes are the registers, the next chooses the
 * architecture, the rest is the guest's memory. What the walk over all finds is what a single
 * address finds, except where tables change, which they do not here.
 */
#include "lib/util.h"
#include "vmm/arm64/paging.h"
#include "vmm/x86/paging.h"

#include <assert.h>
#include <string.h>

#define RAM   0x10000
#define SIZE  (64 * 1024)
#define PAGES 4096 /* looked at of each */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Alignas(65536) uint8_t ram[SIZE];

struct seen {
	const struct gmem *gmem;
	const struct space *space;
	unsigned count;
};

static bool see(void *ctx, uint64_t va, gpa_t gpa, uint64_t size)
{
	struct seen *s = ctx;
	gpa_t got = ~gpa;

	assert(size >= 4096 && !(va & (size - 1)));
	assert(space_translate(s->gmem, s->space, va + size - 1, &got));
	assert(got == gpa + size - 1);
	return ++s->count < PAGES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gmem gmem = {0};
	struct seen seen = {.gmem = &gmem};
	struct space space;
	uint64_t regs[4], word;
	gpa_t gpa;

	if (size <= sizeof(regs))
		return 0;
	memcpy(regs, data, sizeof(regs));
	memset(ram, 0, sizeof(ram));
	memcpy(ram, data + sizeof(regs) + 1, min_u64(size - sizeof(regs) - 1, sizeof(ram)));
	gmem_add(&gmem, RAM, SIZE, ram);
	if (data[sizeof(regs)] & 1)
		arm64_space(&(struct arm64_paging){.sctlr = regs[0],
				    .tcr = regs[1],
				    .ttbr0 = regs[2],
				    .ttbr1 = regs[3]},
			&space);
	else
		x86_space(
			&(struct x86_paging){
				.cr0 = regs[0], .cr3 = regs[1], .cr4 = regs[2], .efer = regs[3]},
			&space);
	space_translate(&gmem, &space, space_plain(&space, regs[1]), &gpa);
	space_read(&gmem, &space, regs[2], &word, sizeof(word));
	seen.space = &space;
	space_walk(&gmem, &space, see, &seen);
	return 0;
}
