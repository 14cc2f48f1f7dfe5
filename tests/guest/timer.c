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
#define TRIES  4

volatile unsigned ticks;

void tick(void)
{
	ticks = ticks + 1;
}

/* Nominally 5 ms. What this looks for is a wrong rate, which is off by a factor. */
static bool is_period(uint64_t us)
{
	return us >= 2600 && us <= 40000;
}

struct rate {
	uint64_t average, median; /* microseconds between two ticks */
};

/* By the times between TICKS ticks. */
static struct rate measure(bool asleep)
{
	uint64_t gaps[TICKS], first = 0, last = 0;

	ticks = 0;
	if (!asleep)
		irq_enable();
	for (unsigned i = 0; i <= TICKS; i++) {
		unsigned seen = ticks, at = i - 1;
		uint64_t now;

		while (ticks == seen)
			if (asleep)
				cpu_wait();
		now = time_ns();
		if (!i)
			first = now;
		for (; i && at && gaps[at - 1] > now - last; at--)
			gaps[at] = gaps[at - 1];
		if (i)
			gaps[at] = now - last; /* they are in ascending order */
		last = now;
	}
	irq_disable();
	return (struct rate){(last - first) / TICKS / NS_PER_US, gaps[TICKS / 2] / NS_PER_US};
}

/*
 * A loaded host delivers late: what some timers then catch up is right on average, and what others
 * leave out, most of the time; what is to be caught up from before, the next time.
 */
static void check_rate(const char *what, bool asleep)
{
	struct rate r = {0};
	bool good = false;

	for (unsigned i = 0; !good && i < TRIES; i++) {
		r = measure(asleep);
		good = is_period(r.average) || is_period(r.median);
	}
	check(good, "%s, %s: a tick each %lu us, most often %lu us", what,
		asleep ? "asleep" : "running", r.average, r.median);
}

void check_ticks(const char *what)
{
	check_rate(what, true);
	check_rate(what, false);
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
