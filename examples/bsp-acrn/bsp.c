/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A BSP in ACRN's form: two functions without arguments and results, and nothing of Bulkhead's.
 * The same source goes into an ACRN hypervisor build.
 */
#include <bsp_acrn.h>

#include <cpuid.h>

#define CPUID_LEAF1_ECX_TSC_DEADLINE (1u << 24)

/* Whether this processor has what the board's software counts on. */
void bsp_init(void)
{
	unsigned a, b, c = 0, d = 0;

	__get_cpuid(1, &a, &b, &c, &d);
	if (!(c & CPUID_LEAF1_ECX_TSC_DEADLINE))
		pr_warn("core %u: no TSC-deadline timer", get_pcpu_id());
	if (!(d & 1u << 4))
		panic("core %u has no time-stamp counter", get_pcpu_id());
	pr_info("bsp_init: core %u is fine", get_pcpu_id());
}

/* Logs, and halts this core alone, as ACRN's own sample does. */
void bsp_fatal_error(void)
{
	pr_fatal("bsp_fatal_error: core %u halts", get_pcpu_id());
	for (;;)
		__asm__ volatile("cli; hlt");
}
