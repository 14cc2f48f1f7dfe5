/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading a BSP in a static program (STATIC=1), where there is no dlopen: in place of load.c. */
#include "bsp/host.h"

#include <errno.h>

int host_load(struct host *host, char ret_text[BSP_TEXT_MAX])
{
	host->bsp = builtin_bsp;
	if (host->launch.object_fd < 0)
		return 0;
	snprintf(ret_text, BSP_TEXT_MAX,
		"this %s is linked statically and has only the BSP `builtin`; use one that is built "
		"without STATIC=1",
		BSP_PROGRAM);
	return -EINVAL;
}
