/* SPDX-License-Identifier: BSD-3-Clause */
/* A BSP in ACRN's form that reads a system register, which no process can. */
void bsp_init(void);
void bsp_fatal_error(void);

void bsp_init(void)
{
	__asm__ volatile("mrs x0, sctlr_el1" : : : "x0");
}

void bsp_fatal_error(void)
{
}
