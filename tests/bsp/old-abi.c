/* SPDX-License-Identifier: BSD-3-Clause */
/* A BSP of another interface. */
#include <bsp.h>

const struct bulkhead_bsp bulkhead_bsp = {
	.abi = BULKHEAD_BSP_ABI + 41, .size = sizeof(bulkhead_bsp)};
