/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports and addresses that nobody claims: reads of every width give all-ones, writes are dropped.
 */
#include "check.h"
#include "x86.h"

static void check_port(uint16_t port)
{
	outb(port, 0);
	outw(port, 0);
	outl(port, 0);
	check(inb(port) == UINT8_MAX && inw(port) == UINT16_MAX && inl(port) == UINT32_MAX,
		"port 0x%x: all-ones at each width", port);
}

static void check_address(uint64_t address)
{
	mmio_write8(address, 0);
	mmio_write16(address, 0);
	mmio_write32(address, 0);
	mmio_write64(address, 0);
	check(mmio_read8(address) == UINT8_MAX && mmio_read16(address) == UINT16_MAX &&
			mmio_read32(address) == UINT32_MAX && mmio_read64(address) == UINT64_MAX,
		"0x%lx: all-ones at each width", address);
	check(mmio_read32(address + 1) == UINT32_MAX, "the same, unaligned");
}

int guest_main(void)
{
	static const uint16_t ports[] = {0x200, 0x1234, 0x5550, 0xFFF0};
	static const uint64_t addresses[] = {
		0x90000000, 0xDFFFF000, 0xFD000000, 0xFFFFF000, 0x3FC0000000};

	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
		check_port(ports[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
		paging_map_gib(addresses[i]);
		check_address(addresses[i]);
	}
	return checks_failed();
}
