/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A neighbour as bad as it can be, chosen by how=: storms of accesses that the monitor must handle,
 * a guest that destroys what it stands on, and one that takes all memory there is.
 */
#include "mmio.h"
#include "ways.h"

#include <bulkhead/control.h>

/* The image and its stacks lie below. */
extern uint8_t image_end[];

static void mmio(void)
{
	for (;;) {
		mmio_write32(MMIO_NOWHERE, 1);
		(void)mmio_read32(MMIO_NOWHERE);
		control_write(BULKHEAD_CONTROL_HEARTBEAT, 0);
	}
}

/* Touches every page of its memory, round after round. */
static void memory(void)
{
	struct memory_range r;

	for (uint64_t round = 1;; round++) {
		for (unsigned i = 0; memory_map(i, &r); i++) {
			if (r.type != MEMORY_RAM)
				continue;
			for (uint64_t at = 0; at < r.size; at += 4096)
				if (r.base + at >= (uintptr_t)image_end)
					*(volatile uint64_t *)(uintptr_t)(r.base + at) = round;
		}
		kprintf("round %lu\n", round);
	}
}

int guest_main(void)
{
	static const struct way ways[] = {{"mmio", mmio}, {"memory", memory}, {NULL, NULL}};
	char how[16] = "";

	cmdline_get("how", how, sizeof(how));
	kprintf("storm: %s\n", how);
	delay_ns(cmdline_time("after", 0));
	way_run(ways, how);
	way_run(machine_ways, how);
	return 99;
}
