/* SPDX-License-Identifier: BSD-3-Clause */
/* Time from the virtual count, and a timer of it on each CPU [DDI 0487 D11]. */
#include "arm64.h"

static uint64_t hz, start;
static uint64_t ns_per_cycle; /* 32.32 fixed point */

/* Each CPU's; a period of 0 is once. */
static struct {
	void (*handler)(void);
	uint64_t period, due;
} timers[GUEST_CPUS_MAX];

unsigned timer_intid(enum arm_timer timer)
{
	return dt_interrupt(dt_compatible(-1, "arm,armv8-timer"), timer);
}

uint64_t counter_hz(void)
{
	return hz;
}

uint64_t counter_to_ns(uint64_t cycles)
{
	return (uint64_t)((unsigned __int128)cycles * ns_per_cycle >> 32);
}

uint64_t counter_from_ns(uint64_t ns)
{
	return ns / NS_PER_S * hz + ns % NS_PER_S * hz / NS_PER_S;
}

void time_init(void)
{
	hz = sysreg_read(cntfrq_el0);
	if (!hz)
		panic("CNTFRQ_EL0 is 0");
	ns_per_cycle = (NS_PER_S << 32) / hz;
	start = counter_read();
}

uint64_t clock_cycles(void)
{
	return counter_read();
}

uint64_t time_ns(void)
{
	return hz ? counter_to_ns(counter_read() - start) : 0;
}

static void timer_interrupt(void)
{
	unsigned cpu = cpu_id();
	uint64_t now = counter_read();

	if (timers[cpu].period) {
		/* Those that are over are not made up for. */
		do
			timers[cpu].due += timers[cpu].period;
		while (timers[cpu].due <= now);
		sysreg_write(cntv_cval_el0, timers[cpu].due);
	} else {
		sysreg_write(cntv_ctl_el0, 0);
	}
	if (timers[cpu].handler)
		timers[cpu].handler();
}

static void timer_start(uint64_t ns, bool periodic, void (*handler)(void))
{
	uint64_t cycles = counter_from_ns(ns);
	unsigned cpu = cpu_id();

	timer_stop();
	timers[cpu].handler = handler;
	timers[cpu].period = periodic ? (cycles ? cycles : 1) : 0;
	timers[cpu].due = counter_read() + cycles;
	sysreg_write(cntv_cval_el0, timers[cpu].due);
	gic_set(timer_intid(TIMER_VIRTUAL), false, timer_interrupt);
	sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
}

void timer_once(uint64_t ns, void (*handler)(void))
{
	timer_start(ns, false, handler);
}

void timer_periodic(uint64_t ns, void (*handler)(void))
{
	timer_start(ns, true, handler);
}

void timer_stop(void)
{
	timers[cpu_id()].handler = NULL;
	sysreg_write(cntv_ctl_el0, 0);
}
