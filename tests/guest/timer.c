/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Timer interrupts wake a halted CPU and interrupt a running one, at the right rate: the local APIC
 * timer, and the PIT through the IOAPIC. Run with apic=xapic and without.
 */
#include "check.h"
#include "x86.h"

#define PERIOD     (5 * NS_PER_MS)
#define TICKS      20
#define PIT_HZ_SET 200
#define VECTOR_PIT VECTOR_FREE

static volatile unsigned ticks;

static void tick(void)
{
	ticks = ticks + 1;
}

static void pit_tick(struct trap_frame *f)
{
	(void)f;
	lapic_eoi();
	tick();
}

static void no_pit(void)
{
	kprintf("FAILED  PIT: %u interrupts in 2 s\n", ticks);
	guest_exit(1);
}

/* The time that TICKS more ticks took, per tick, in microseconds. */
static uint64_t measure(bool halted)
{
	uint64_t start;

	ticks = 0;
	while (ticks == 0)
		cpu_wait();
	start = time_ns();
	if (!halted)
		irq_enable();
	while (ticks < TICKS + 1) {
		if (halted)
			cpu_wait();
	}
	irq_disable();
	return (time_ns() - start) / TICKS / NS_PER_US;
}

/*
 * Nominally 5 ms. A loaded host delivers late and the PIT then catches up; what this looks for is a
 * wrong rate, which is off by a factor.
 */
static bool is_period(uint64_t us)
{
	return us >= 2600 && us <= 40000;
}

int guest_main(void)
{
	uint64_t us, start;
	unsigned gsi = acpi_isa_gsi(0);

	kprintf("TSC: %lu Hz by %s; %s mode\n", tsc_hz(), tsc_source(),
		lapic_is_x2apic() ? "x2APIC" : "xAPIC");
	timer_periodic(PERIOD, tick);
	us = measure(true);
	check(is_period(us), "local APIC timer, halted: a tick each %lu us", us);
	us = measure(false);
	check(is_period(us), "local APIC timer, running: a tick each %lu us", us);
	timer_stop();

	ticks = 0;
	start = time_ns();
	timer_once(2 * PERIOD, tick);
	while (ticks == 0)
		cpu_wait();
	us = (time_ns() - start) / NS_PER_US;
	check(us >= 9900 && us < 200000, "one shot of 10 ms after %lu us", us);

	trap_set(VECTOR_PIT, pit_tick);
	timer_once(2 * NS_PER_S, no_pit);
	ioapic_route(gsi, VECTOR_PIT, lapic_id());
	pit_set(2, PIT_HZ / PIT_HZ_SET);
	us = measure(true);
	check(is_period(us), "PIT, GSI %u, halted: a tick each %lu us", gsi, us);
	us = measure(false);
	check(is_period(us), "PIT, GSI %u, running: a tick each %lu us", gsi, us);
	ioapic_mask(gsi);
	return checks_failed();
}
