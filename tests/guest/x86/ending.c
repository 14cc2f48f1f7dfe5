/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways to end that only a PC has. */
#include "../ways.h"
#include "x86.h"

static void exit_port(void)
{
	uint32_t code = (uint32_t)cmdline_number("code", 0);

	switch (cmdline_number("size", 1)) {
	case 1:
		outb(PORT_EXIT, (uint8_t)code);
		break;
	case 2:
		outw(PORT_EXIT, (uint16_t)code);
		break;
	default:
		outl(PORT_EXIT, code);
	}
}

static void i8042_reset(void)
{
	outb(0x64, 0xFE);
}

static void port_reset(void)
{
	outb(PORT_RESET, 0x02); /* hard reset chosen; only bit 2 asks for it */
	kprintf("still here\n");
	outb(PORT_RESET, 0x0E);
}

static void acpi_off(void)
{
	outb(PORT_SLEEP_CTRL, 5 << 2); /* the type alone does nothing */
	kprintf("still here\n");
	outb(PORT_SLEEP_CTRL, 5 << 2 | 1 << 5);
}

static void triple_fault(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = {0, 0};

	__asm__ volatile("lidt %0; ud2" : : "m"(none));
}

const struct way machine_ways[] = {{"exit", exit_port}, {"i8042", i8042_reset}, {"cf9", port_reset},
	{"off", acpi_off}, {"triple-fault", triple_fault}, {NULL, NULL}};
