/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A neighbour as bad as it can be, chosen by how=: storms of accesses that the monitor must handle,
 * a guest that destroys what it stands on, and one that takes all memory there is.
 */
#include "x86.h"

#include <bulkhead/control.h>

/* Addresses of the standard machine that nobody has. */
#define NOWHERE      0x90000000
#define PORT_NOWHERE 0x1234

/* The image and its stack lie below. */
#define OWN_END (16 << 20)

/* Ports with a device behind them, and one without, as fast as they go. */
static void ports(void)
{
	for (;;) {
		outl(PORT_NOWHERE, 0);
		(void)inb(0x71);
		outb(0x80, 0x55);
		(void)inb(0x3FD);
	}
}

static void mmio(void)
{
	for (;;) {
		mmio_write32(NOWHERE, 1);
		(void)mmio_read32(NOWHERE);
		control_write(BULKHEAD_CONTROL_HEARTBEAT, 0);
	}
}

/* The descriptor tables first, then everything from the bottom of memory up, page tables included.
 */
static void tables(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) nonsense = {0xFFFF, 0x1000};

	memset((void *)0x1000, 0xA5, 0x1000);
	__asm__ volatile("lgdt %0; lidt %0" : : "m"(nonsense));
	memset((void *)0x2000, 0xA5, 64 << 20);
	for (;;)
		cpu_relax();
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
				if (r.base + at >= OWN_END)
					*(volatile uint64_t *)(uintptr_t)(r.base + at) = round;
		}
		kprintf("round %lu\n", round);
	}
}

int guest_main(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} ways[] = {{"ports", ports}, {"mmio", mmio}, {"tables", tables}, {"memory", memory}};
	char how[16] = "";

	cmdline_get("how", how, sizeof(how));
	kprintf("storm: %s\n", how);
	delay_ns(cmdline_time("after", 0));
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++)
		if (strcmp(ways[i].name, how) == 0)
			ways[i].run();
	return 99;
}
