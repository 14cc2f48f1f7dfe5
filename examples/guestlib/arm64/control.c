/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control page. Where a board has nothing there, touching it may be an exception: it is probed
 * once.
 */
#include "arm64.h"

#include <bulkhead/control.h>

static bool present;

void control_init(void)
{
	uint32_t id;

	present = probe_read32(MMIO_CONTROL_PAGE + BULKHEAD_CONTROL_ID, &id) &&
		  id == BULKHEAD_CONTROL_MAGIC;
}

bool control_present(void)
{
	return present;
}

uint32_t control_read(unsigned reg)
{
	return present ? mmio_read32(MMIO_CONTROL_PAGE + reg) : UINT32_MAX;
}

void control_write(unsigned reg, uint32_t v)
{
	if (present)
		mmio_write32(MMIO_CONTROL_PAGE + reg, v);
}
