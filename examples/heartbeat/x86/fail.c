/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways to go wrong that only a PC has. */
#include "../heartbeat.h"
#include "x86.h"

/* A port of the standard machine that nobody has. */
#define PORT_NOWHERE 0x1234

static void triple_fault(uint32_t argument)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = {0, 0};

	(void)argument;
	__asm__ volatile("lidt %0; ud2" : : "m"(none));
}

static void port_violation(uint32_t argument)
{
	outl(PORT_NOWHERE, argument);
}

/* No monitor can fetch instructions from where no memory is. */
static void internal_error(uint32_t argument)
{
	(void)argument;
	((void (*)(void))(uintptr_t)MMIO_NOWHERE)();
}

const struct way machine_ways[] = {{"triple", triple_fault}, {"port-violation", port_violation},
	{"internal", internal_error}, {NULL, NULL}};
