/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Timer interrupts wake a sleeping CPU and interrupt a running one, at the right rate: the
 * library's timer (x86: the local APIC's, run with apic=xapic and without; arm64: the virtual one),
 * and what else the machine has.
 */
#include "timer.h"

#include "check.h"

#define PERIOD (TIMER_PERIOD_MS * NS_PER_MS)
#define TICKS  20

volatile unsigned ticks;

void tick(void)
{
	ticks = ticks + 1;
}

/* The time that TICKS more ticks took, per tick, in microseconds. */
static uint64_t measure(bool asleep)
{
	uint64_t start;

	ticks = 0;
	while (ticks == 0)
		cpu_wait();
	start = time_ns();
	if (!asleep)
		irq_enable();
	while (ticks < TICKS + 1) {
		if (asleep)
			cpu_wait();
	}
	irq_disable();
	return (time_ns() - start) / TICKS / NS_PER_US;
}

/*
 * Nominally 5 ms. A loaded host delivers late and some timers then catch up; what this looks for is
 * a wrong rate, which is off by a factor.
 */
static bool is_period(uint64_t us)
{
	return us >= 2600 && us <= 40000;
}

void check_ticks(const char *what)
{
	uint64_t us = measure(true);

	check(is_period(us), "%s, asleep: a tick each %lu us", what, us);
	us = measure(false);
	check(is_period(us), "%s, running: a tick each %lu us", what, us);
}

int guest_main(void)
{
	uint64_t us, start;

	timer_periodic(PERIOD, tick);
	check_ticks("the CPU's timer");
	timer_stop();

	ticks = 0;
	start = time_ns();
	timer_once(2 * PERIOD, tick);
	while (ticks == 0)
		cpu_wait();
	us = (time_ns() - start) / NS_PER_US;
	check(us >= 9900 && us < 200000, "one shot of 10 ms after %lu us", us);
	check_machine_timers();
	return checks_failed();
}
