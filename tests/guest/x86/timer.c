/* SPDX-License-Identifier: BSD-3-Clause */
/* The PIT, through the IOAPIC. */
#include "../timer.h"

#include "../check.h"
#include "x86.h"

static void no_pit(void)
{
	kprintf("FAILED  PIT: %u interrupts in 2 s\n", ticks);
	guest_exit(1);
}

void check_machine_timers(void)
{
	unsigned gsi = acpi_isa_gsi(0);

	kprintf("TSC: %lu Hz by %s; %s mode\n", tsc_hz(), tsc_source(),
		lapic_is_x2apic() ? "x2APIC" : "xAPIC");
	timer_once(2 * NS_PER_S, no_pit);
	gsi_set(gsi, tick);
	pit_set(2, PIT_HZ * TIMER_PERIOD_MS / 1000);
	check_ticks("PIT");
	gsi_set(gsi, NULL);
}
