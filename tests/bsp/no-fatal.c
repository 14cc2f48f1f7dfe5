/* SPDX-License-Identifier: BSD-3-Clause */
/* A BSP that lacks a mandatory hook. */
#include <bsp.h>

static int init(const struct bsp_context *ctx)
{
	(void)ctx;
	return 0;
}

const struct bulkhead_bsp bulkhead_bsp = {
	.abi = BULKHEAD_BSP_ABI, .size = sizeof(bulkhead_bsp), .init = init};
