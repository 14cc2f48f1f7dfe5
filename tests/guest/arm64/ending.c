/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways to end that only an arm64 machine has: PSCI's, Bulkhead's, and no exception vectors. */
#include "../ways.h"
#include "arm64.h"

#include <bulkhead/control.h>
#include <bulkhead/hypercall.h>

#define WARM 0

static uint32_t code(void)
{
	return (uint32_t)cmdline_number("code", 0);
}

static void exit_page(void)
{
	control_write(BULKHEAD_CONTROL_EXIT, code());
}

static void exit_call(void)
{
	struct smccc r = smccc_hvc(BULKHEAD_CALL64 + BULKHEAD_CALL_EXIT, code(), 0, 0);

	if ((int32_t)r.x[0] != BULKHEAD_CALL_NOT_SUPPORTED)
		return;
	kprintf("host    hypercalls: not passed on by its kernel\n");
	exit_page();
}

static void off(void)
{
	psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
}

static void reset(void)
{
	psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
}

/* By architecture, of which there is one kind, and for a warm one nothing more is asked. */
static void reset2(void)
{
	if (psci_call(PSCI_FEATURES, PSCI_SYSTEM_RESET2, 0, 0) == PSCI_NOT_SUPPORTED) {
		kprintf("host    there is no SYSTEM_RESET2\n");
		reset();
	}
	if (psci_call(PSCI_SYSTEM_RESET2, WARM + 1, 0, 0) == PSCI_INVALID)
		kprintf("still here\n"); /* of the architecture's kinds there is only that one */
	psci_call(PSCI_SYSTEM_RESET2, WARM, 0, 0);
}

static void off_cpu1(unsigned cpu)
{
	if (cpu == 1)
		off();
}

/* CPU 1 ends the partition while CPU 0 sleeps. */
static void off_other_cpu(void)
{
	cpus_start(off_cpu1);
	cpu_stop();
}

const struct way machine_ways[] = {{"exit", exit_page}, {"exit-call", exit_call}, {"off", off},
	{"reset", reset}, {"reset2", reset2}, {"off-cpu1", off_other_cpu}, {NULL, NULL}};
