/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Instructions that a BSP written for bare metal ends with, and that are undefined in a process
 * [Arm ARM C6.2, D1.3.1]: interrupts are masked before the core waits for ever, or PSCI is asked to
 * switch it off [PSCI 1.3 5.1]. WFI itself returns in a process, sooner or later.
 */
#include "bsp/host.h"

#include <signal.h>

const unsigned arch_privileged_bytes = 4;

#define DAIF_MASK  0xFFFFF0DFu /* MSR DAIFSet, #imm and MSR DAIFClr, #imm; CRm is the immediate */
#define DAIF_VALUE 0xD50340DFu
#define WFI        0xD503207Fu
#define CALL_MASK  0xFFE0001Fu /* HVC and SMC; bits 20 to 5 are the immediate */
#define CALL_HVC   0xD4000002u
#define CALL_SMC   0xD4000003u

#define PSCI_CPU_OFF      0x84000002u
#define PSCI_SYSTEM_OFF   0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u

const uint8_t *arch_pc(const ucontext_t *u)
{
	return (const uint8_t *)(uintptr_t)u->uc_mcontext.pc;
}

bool arch_is_privileged(int signal_number, int code)
{
	return signal_number == SIGILL && code == ILL_ILLOPC;
}

static bool switches_off(uint64_t function)
{
	return function == PSCI_CPU_OFF || function == PSCI_SYSTEM_OFF ||
	       function == PSCI_SYSTEM_RESET;
}

enum privileged arch_privileged(ucontext_t *u)
{
	const uint32_t *code = (const uint32_t *)(const void *)arch_pc(u);
	uint32_t call = code[0] & CALL_MASK;

	if (call == CALL_HVC || call == CALL_SMC)
		return switches_off(u->uc_mcontext.regs[0]) ? PRIVILEGED_HALT : PRIVILEGED_NONE;
	if ((code[0] & DAIF_MASK) != DAIF_VALUE)
		return PRIVILEGED_NONE;
	/* Code goes on after it, so that there is another one. */
	if (code[1] == WFI)
		return PRIVILEGED_HALT;
	u->uc_mcontext.pc += 4;
	return PRIVILEGED_SKIP;
}
