/* SPDX-License-Identifier: BSD-3-Clause */
/* A BSP whose structure is that of no interface. */
#include <stdint.h>

extern const struct {
	uint32_t abi, size;
} bulkhead_bsp;

__typeof__(bulkhead_bsp) bulkhead_bsp = {1, 8};
