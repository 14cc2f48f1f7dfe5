/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Instructions that a BSP written for bare metal ends with, and that fault in a process
 * [SDM 2A HLT, CLI; 2B STI: #GP(0) above IOPL].
 */
#include "bsp/host.h"

#include <signal.h>

const unsigned arch_privileged_bytes = 3;

#define OPCODE_HLT 0xF4
#define OPCODE_CLI 0xFA
#define OPCODE_STI 0xFB

const uint8_t *arch_pc(const ucontext_t *u)
{
	return (const uint8_t *)(uintptr_t)u->uc_mcontext.gregs[REG_RIP];
}

bool arch_is_privileged(int signal_number, int code)
{
	return signal_number == SIGSEGV && code == SI_KERNEL;
}

enum privileged arch_privileged(ucontext_t *u)
{
	switch (*arch_pc(u)) {
	case OPCODE_HLT:
		return PRIVILEGED_HALT;
	case OPCODE_CLI:
	case OPCODE_STI:
		u->uc_mcontext.gregs[REG_RIP]++;
		return PRIVILEGED_SKIP;
	default:
		return PRIVILEGED_NONE;
	}
}
