/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The built-in BSP does what ACRN's sample does: nothing has to be checked, and a fatal error is
 * logged and halts the core that met it.
 */
#include "bsp/host.h"

static int builtin_init(const struct bsp_context *ctx)
{
	(void)ctx;
	return 0;
}

static void builtin_fatal_error(const struct bsp_context *ctx)
{
	ctx->log(ctx, "fatal error of %s; the core is halted", ctx->partition);
	ctx->halt(ctx);
}

const struct bulkhead_bsp builtin_bsp = {
	.abi = BULKHEAD_BSP_ABI,
	.size = sizeof(builtin_bsp),
	.name = "builtin",
	.init = builtin_init,
	.fatal_error = builtin_fatal_error,
};
