/* SPDX-License-Identifier: BSD-3-Clause */
/* The control page by port. */
#include "../control.h"

#include "../check.h"
#include "x86.h"

#include <bulkhead/control.h>

static uint32_t port_read(unsigned reg)
{
	return inl((uint16_t)(BULKHEAD_CONTROL_PORT + reg));
}

static void port_write(unsigned reg, uint32_t v)
{
	outl((uint16_t)(BULKHEAD_CONTROL_PORT + reg), v);
}

void check_machine_control(void)
{
	uint32_t beats = control_read(BULKHEAD_CONTROL_HEARTBEAT);

	outb(BULKHEAD_CONTROL_PORT + BULKHEAD_CONTROL_EXIT, 1);
	outw(BULKHEAD_CONTROL_PORT + BULKHEAD_CONTROL_HEARTBEAT, 1);
	check(control_read(BULKHEAD_CONTROL_HEARTBEAT) == beats && inw(BULKHEAD_CONTROL_PORT) == 0,
		"other sizes by port: writes nothing, reads 0");
	check_registers("port", port_read, port_write);
}
