/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who called whom on a vCPU that does not run: return addresses from its stack. Both architectures
 * put a frame's record on it alike, the caller's frame pointer and above it the return address
 * [AMD64 ABI 3.2.2] [AAPCS64 6.4.6]. Where frame pointers lead nowhere, as in kernels built without
 * them, the stack is searched for addresses that follow a call; those are guesses. Names are put to
 * addresses by whoever has the symbols (lib/symbolise.h). Pure: any thread.
 */
#ifndef VMM_BACKTRACE_H
#define VMM_BACKTRACE_H

#include "vmm/space.h"

#include <stdio.h>

#define BACKTRACE_MAX         24
#define BACKTRACE_ANCHORS_MAX 2
#define BACKTRACE_CODE        8 /* bytes before a return address that tell a call */

/* An address that a processor register has, of which it is known what Linux calls it. */
struct backtrace_anchor {
	const char *name; /* the register: "LSTAR" */
	uint64_t address;
};

/* Where to start: the vCPU's registers. */
struct backtrace_start {
	uint64_t pc, sp, fp;
	uint64_t link; /* the return address that is in a register; 0: there is no such */
	uint8_t word;  /* bytes of a pointer: 4 or 8 */
	unsigned anchor_count;
	struct backtrace_anchor anchors[BACKTRACE_ANCHORS_MAX];
	/* Whether CODE, before an address, ends in a call. */
	bool (*ends_in_call)(const uint8_t code[BACKTRACE_CODE]);
};

struct backtrace_frame {
	uint64_t address;
	bool guessed;
};

struct backtrace {
	unsigned count; /* the first is the PC */
	struct backtrace_frame frames[BACKTRACE_MAX];
};

void backtrace_collect(const struct gmem *gmem, const struct space *space,
	const struct backtrace_start *start, struct backtrace *ret_trace);

/* As lib/symbolise.h reads it. */
void backtrace_print(const struct backtrace *trace, const struct backtrace_start *start, FILE *f);

#endif
