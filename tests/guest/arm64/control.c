/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control page by accesses that the processor does not describe to the monitor: with the
 * address written back, and in pairs.
 */
#include "../control.h"

#include "../check.h"
#include "arm64.h"

#include <bulkhead/control.h>

static uint32_t indexed_read(unsigned reg)
{
	uint64_t address = MMIO_CONTROL_PAGE + reg;
	uint32_t v;

	__asm__ volatile("ldr %w0, [%1], #4" : "=&r"(v), "+r"(address) : : "memory");
	return v;
}

static void indexed_write(unsigned reg, uint32_t v)
{
	uint64_t address = MMIO_CONTROL_PAGE + reg + 8;

	__asm__ volatile("str %w1, [%0, #-8]!" : "+r"(address) : "r"(v) : "memory");
}

void check_machine_control(void)
{
	uint32_t a, b, watchdog = (uint32_t)(cmdline_time("watchdog", 0) / NS_PER_US);

	check_registers("written back", indexed_read, indexed_write);
	__asm__ volatile("ldp %w0, %w1, [%2]"
			 : "=&r"(a), "=&r"(b)
			 : "r"((uint64_t)MMIO_CONTROL_PAGE)
			 : "memory");
	check(a == BULKHEAD_CONTROL_MAGIC && b == BULKHEAD_CONTROL_VERSION,
		"a pair: ID and version");
	__asm__ volatile("ldp %w0, %w1, [%2, #8]"
			 : "=&r"(a), "=&r"(b)
			 : "r"((uint64_t)MMIO_CONTROL_PAGE)
			 : "memory");
	check(a == control_read(BULKHEAD_CONTROL_HEARTBEAT) && b == watchdog,
		"a pair: beats and watchdog");
}
