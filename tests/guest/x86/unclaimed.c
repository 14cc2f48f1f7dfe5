/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports and addresses of a PC that nobody claims. */
#include "../unclaimed.h"

#include "../check.h"
#include "x86.h"

static void check_port(uint16_t port)
{
	outb(port, 0);
	outw(port, 0);
	outl(port, 0);
	check(inb(port) == UINT8_MAX && inw(port) == UINT16_MAX && inl(port) == UINT32_MAX,
		"port 0x%x: all-ones at each width", port);
}

void check_machine_unclaimed(void)
{
	static const uint16_t ports[] = {0x200, 0x1234, 0x5550, 0xFFF0};
	static const uint64_t addresses[] = {0xDFFFF000, 0xFD000000, 0xFFFFF000, 0x3FC0000000};

	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
		check_port(ports[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++)
		check_address(addresses[i]);
	check(mmio_read32(MMIO_NOWHERE + 1) == UINT32_MAX, "an unaligned read: all-ones");
}
