/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses of the arm64 machine that nobody claims: flash and virtio of virt, and beyond. */
#include "../unclaimed.h"

#include "guest.h"

void check_machine_unclaimed(void)
{
	static const uint64_t addresses[] = {0, 0x0A000000, 0x0C000000, 0x3F00000000, 0x7FFFFFFF00};

	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++)
		check_address(addresses[i]);
}
