/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accesses outside the partition, by how=: "fatal" (the first ends the partition), "park" (on CPU
 * 1, which is then parked; CPU 0 goes on) and "readonly" (a write to the status page at status=,
 * which is read first); and those of the architecture, "inject" among them.
 */
#include "check.h"
#include "mmio.h"
#include "ways.h"

#include <bulkhead/status.h>

static volatile uint64_t count;

static void fatal(void)
{
	mmio_write32(MMIO_NOWHERE + 0x40, 0x12345678);
}

static void other_cpu(unsigned cpu)
{
	(void)cpu;
	count = 1;
	mmio_write16(MMIO_NOWHERE + 0x24, 0x5a5a);
	count = 2; /* where violations are ignored */
}

static void park(void)
{
	irq_enable();
	cpus_start(other_cpu);
	delay_ns(100 * NS_PER_MS);
	check(count == 1, "CPU 1 has stopped where it went wrong, CPU 0 has not");
}

static void readonly(void)
{
	volatile struct bulkhead_status *page =
		(volatile struct bulkhead_status *)cmdline_number("status", 0);

	check(page->magic == BULKHEAD_STATUS_MAGIC, "the status page is there");
	page->magic = 0;
	check(page->magic == BULKHEAD_STATUS_MAGIC, "a write to it changed nothing");
}

int guest_main(void)
{
	static const struct way ways[] = {
		{"fatal", fatal}, {"park", park}, {"readonly", readonly}, {NULL, NULL}};
	char how[16] = "";

	cmdline_get("how", how, sizeof(how));
	way_run(ways, how);
	way_run(machine_ways, how);
	return checks_failed();
}
