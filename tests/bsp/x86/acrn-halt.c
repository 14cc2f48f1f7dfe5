/* SPDX-License-Identifier: BSD-3-Clause */
/* A BSP in ACRN's form that ends as bare metal does; rdmsr is one that no process can execute. */
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
	for (;;)
		__asm__ volatile("cli; hlt");
}
