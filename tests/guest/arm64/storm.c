/* SPDX-License-Identifier: BSD-3-Clause */
/* Storms of an arm64 machine: of calls, of interrupts, and of what its processor stands on. */
#include "../ways.h"
#include "arm64.h"

#include <bulkhead/hypercall.h>

static void calls(void)
{
	for (;;) {
		smccc_hvc(PSCI_VERSION, 0, 0, 0);
		smccc_hvc(PSCI_AFFINITY_INFO, 0, 0, 0);
		smccc_hvc(BULKHEAD_CALL64 + BULKHEAD_CALL_STATUS, 0, 0, 0);
		smccc_smc(BULKHEAD_CALL32 + BULKHEAD_CALL_FUNCTIONS - 1, 0, 0, 0);
	}
}

/* Accesses that the monitor must decode. */
static void pairs(void)
{
	for (;;)
		__asm__ volatile("mov x0, %0\n\tldp x2, x3, [x0], #16\n\tstp w2, w3, [x0, #-8]!"
				 :
				 : "r"((uint64_t)MMIO_NOWHERE)
				 : "x0", "x2", "x3", "memory");
}

static void nothing(void)
{
}

static void interrupts(void)
{
	ipi_set(nothing);
	for (;;) {
		ipi_send(0);
		cpu_let_in();
	}
}

/* The vectors and the translation first, then everything from the bottom of memory up. */
static void tables(void)
{
	extern uint64_t page_map[512];
	struct memory_range r;

	memory_map(0, &r);
	sysreg_write(vbar_el1, MMIO_NOWHERE);
	memset(page_map, 0xA5, sizeof(page_map));
	memset((void *)r.base, 0xA5, r.size);
	for (;;)
		cpu_relax();
}

const struct way machine_ways[] = {{"calls", calls}, {"pairs", pairs}, {"interrupts", interrupts},
	{"tables", tables}, {NULL, NULL}};
