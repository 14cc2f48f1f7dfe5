/* SPDX-License-Identifier: BSD-3-Clause */
/* Storms of a PC: of its ports, and of what its processor stands on. */
#include "../ways.h"
#include "x86.h"

#define PORT_NOWHERE 0x1234

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

const struct way machine_ways[] = {{"ports", ports}, {"tables", tables}, {NULL, NULL}};
