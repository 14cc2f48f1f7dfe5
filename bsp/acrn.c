/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a BSP written for ACRN calls: exported from this program (bsp/exports.list), described in
 * include/bsp_acrn.h. Left out: everything of ACRN's that is an instruction or a register.
 */
#include "include/bsp_acrn.h"

#include "bsp/host.h"

void do_logmsg(uint32_t severity, const char *fmt, ...)
{
	va_list ap;

	if (severity >= LOG_DEBUG)
		return;
	va_start(ap, fmt);
	host_vlog(core_current(), fmt, ap);
	va_end(ap);
}

#define DEFINE_PR(name)                                                                            \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, fmt);                                                                 \
		host_vlog(core_current(), fmt, ap);                                                \
		va_end(ap);                                                                        \
	}

DEFINE_PR(pr_fatal)
DEFINE_PR(pr_acrnlog)
DEFINE_PR(pr_err)
DEFINE_PR(pr_warn)
DEFINE_PR(pr_info)

void pr_dbg(const char *fmt, ...)
{
	(void)fmt;
}

uint16_t get_pcpu_id(void)
{
	const struct core *core = core_current();

	return core ? (uint16_t)core->launch->core : UINT16_MAX;
}

void panic(const char *fmt, ...)
{
	struct core *core = core_current();
	char text[BSP_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	host_log(core, "panic: %s", text);
	if (!core)
		abort();
	if (!core->reason[0])
		snprintf(core->reason, sizeof(core->reason), "panic: %.*s", BSP_TEXT_MAX - 8, text);
	core_halt(core, "called panic()");
}

void cpu_dead(void)
{
	struct core *core = core_current();

	if (!core)
		abort();
	core_halt(core, "called cpu_dead()");
}

void udelay(uint32_t us)
{
	uint64_t until = monotonic_ns() + (uint64_t)us * 1000;

	while (monotonic_ns() < until)
		;
}
