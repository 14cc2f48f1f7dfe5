/* SPDX-License-Identifier: BSD-3-Clause */
/* A BSP in ACRN's form that ends as bare metal does: it masks interrupts, and waits for one. */
#include <stdint.h>

void do_logmsg(uint32_t severity, const char *fmt, ...);
void bsp_init(void);
void bsp_fatal_error(void);

void bsp_init(void)
{
}

void bsp_fatal_error(void)
{
	do_logmsg(1, "halting");
	__asm__ volatile("msr daifclr, #2"); /* skipped */
	for (;;)
		__asm__ volatile("msr daifset, #15; wfi");
}
