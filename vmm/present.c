/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/present.h"

#include "lib/util.h"

#include <sys/mman.h>

#define PAGE (4 * KIB)

uint64_t present_run(const uint8_t *hva, uint64_t size, bool *ret_present)
{
	unsigned char pages[PRESENT_RUN_MAX / PAGE];
	uint64_t into = (uintptr_t)hva % PAGE;
	uint64_t n = min_u64(size, PRESENT_RUN_MAX - into);
	size_t count = align_up(into + n, PAGE) / PAGE, alike = 1;

	*ret_present = true;
	if (mincore((void *)(uintptr_t)(hva - into), into + n, pages))
		return n;
	*ret_present = pages[0] & 1;
	while (alike < count && (pages[alike] & 1) == (pages[0] & 1))
		alike++;
	return min_u64(alike * PAGE - into, n);
}
