/* SPDX-License-Identifier: BSD-3-Clause */
/* What nobody claims: reads of every width give all-ones, writes are dropped. */
#include "unclaimed.h"

#include "check.h"
#include "mmio.h"

void check_address(uint64_t address)
{
	paging_map_gib(address);
	mmio_write8(address, 0);
	mmio_write16(address, 0);
	mmio_write32(address, 0);
	mmio_write64(address, 0);
	check(mmio_read8(address) == UINT8_MAX && mmio_read16(address) == UINT16_MAX &&
			mmio_read32(address) == UINT32_MAX && mmio_read64(address) == UINT64_MAX,
		"0x%lx: all-ones at each width", address);
}

int guest_main(void)
{
	check_address(MMIO_NOWHERE);
	check_machine_unclaimed();
	return checks_failed();
}
