/* SPDX-License-Identifier: BSD-3-Clause */
/* The control page, by the ports that its registers have on x86. */
#include "x86.h"

#include <bulkhead/control.h>

uint32_t control_read(unsigned reg)
{
	return inl((uint16_t)(BULKHEAD_CONTROL_PORT + reg));
}

void control_write(unsigned reg, uint32_t v)
{
	outl((uint16_t)(BULKHEAD_CONTROL_PORT + reg), v);
}
