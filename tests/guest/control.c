/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control page, by memory and in what other ways the machine has. On the command line:
 * watchdog=200ms, the period that the page must show; exit=N, the code to end with by its own
 * register.
 */
#include "control.h"

#include "check.h"
#include "mmio.h"

#include <bulkhead/control.h>

static uint32_t page_read(unsigned reg)
{
	return mmio_read32(MMIO_CONTROL_PAGE + reg);
}

static void page_write(unsigned reg, uint32_t v)
{
	mmio_write32(MMIO_CONTROL_PAGE + reg, v);
}

void check_registers(
	const char *by, uint32_t (*read)(unsigned reg), void (*write)(unsigned reg, uint32_t v))
{
	uint32_t watchdog = (uint32_t)(cmdline_time("watchdog", 0) / NS_PER_US);
	uint32_t beats = read(BULKHEAD_CONTROL_HEARTBEAT);

	check(read(BULKHEAD_CONTROL_ID) == BULKHEAD_CONTROL_MAGIC, "%s: ID", by);
	check(read(BULKHEAD_CONTROL_ABI) == BULKHEAD_CONTROL_VERSION, "%s: version", by);
	check(read(BULKHEAD_CONTROL_WATCHDOG) == watchdog, "%s: watchdog %u us", by,
		read(BULKHEAD_CONTROL_WATCHDOG));
	check(read(BULKHEAD_CONTROL_STOP) == BULKHEAD_STOP_NONE, "%s: nobody asks to stop", by);
	write(BULKHEAD_CONTROL_HEARTBEAT, 0);
	write(BULKHEAD_CONTROL_HEARTBEAT, 1);
	check(read(BULKHEAD_CONTROL_HEARTBEAT) == beats + 2, "%s: beats are counted", by);
	write(BULKHEAD_CONTROL_LOCK, 1);
	check(read(BULKHEAD_CONTROL_LOCK) == 1 && page_read(BULKHEAD_CONTROL_LOCK) == 1,
		"%s: the lock is taken", by);
	write(BULKHEAD_CONTROL_LOCK, 0);
	check(read(BULKHEAD_CONTROL_LOCK) == 0, "%s: and given back", by);
	write(BULKHEAD_CONTROL_RESERVED, 1);
	check(read(BULKHEAD_CONTROL_RESERVED) == 0, "%s: the reserved register is 0", by);
	check(read(BULKHEAD_CONTROL_LOG_SIZE) == BULKHEAD_LOG_MAX, "%s: length of a line", by);
	write(BULKHEAD_CONTROL_LOG_ADDRESS, (uint32_t)(uintptr_t)by);
	write(BULKHEAD_CONTROL_LOG_ADDRESS_HIGH, (uint32_t)((uint64_t)(uintptr_t)by >> 32));
	write(BULKHEAD_CONTROL_LOG_SIZE, (uint32_t)strlen(by));
}

static void check_other_accesses(void)
{
	uint32_t beats = page_read(BULKHEAD_CONTROL_HEARTBEAT);

	mmio_write8(MMIO_CONTROL_PAGE + BULKHEAD_CONTROL_HEARTBEAT, 1);
	mmio_write64(MMIO_CONTROL_PAGE + BULKHEAD_CONTROL_HEARTBEAT, 1);
	check(page_read(BULKHEAD_CONTROL_HEARTBEAT) == beats, "other sizes write nothing");
	check(mmio_read8(MMIO_CONTROL_PAGE) == 0, "and read as 0");
	check(mmio_read32(MMIO_CONTROL_PAGE + BULKHEAD_CONTROL_SIZE - 4) == 0,
		"the page ends with zeros");
}

int guest_main(void)
{
	check_registers("memory", page_read, page_write);
	check_other_accesses();
	check_machine_control();
	if (!checks_failed())
		control_write(BULKHEAD_CONTROL_EXIT, (uint32_t)cmdline_number("exit", 0));
	return 99;
}
