/* SPDX-License-Identifier: BSD-3-Clause */
/* A BSP in ACRN's form whose bsp_init fails on the second core that it is called for. */
#include <bsp_acrn.h>

static int calls;

void bsp_init(void)
{
	if (++calls == 2)
		panic("core %u is one too many", get_pcpu_id());
}

void bsp_fatal_error(void)
{
	cpu_dead();
}
