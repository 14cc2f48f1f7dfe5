/* SPDX-License-Identifier: BSD-3-Clause */
/* A BSP in ACRN's form that reads a model-specific register, which no process can. */
#include <stdint.h>

void bsp_init(void);
void bsp_fatal_error(void);

void bsp_init(void)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0x1b));
}

void bsp_fatal_error(void)
{
}
