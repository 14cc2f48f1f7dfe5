/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The virtual count while the partition is paused from outside, which is to be for PAUSED seconds
 * when this says so: it stands still, and a timer that runs over it is as late as the count says;
 * the PL031 goes on with the host's clock.
 */
#include "../check.h"
#include "arm64.h"

#define PAUSED   3
#define RUNNING  (2 * NS_PER_S)
#define GAP_MAX  (1500 * NS_PER_MS) /* that a loaded host may take away */
#define LATE_MAX NS_PER_S

static volatile uint64_t rang;

static void ring(void)
{
	rang = time_ns();
}

int guest_main(void)
{
	uint64_t rtc, size, start, last, gap = 0;
	uint32_t before, passed;

	check(dt_reg(dt_compatible(-1, "arm,pl031"), 0, &rtc, &size), "there is a PL031");
	kprintf("waits to be paused\n");
	before = mmio_read32(rtc);
	start = last = time_ns();
	timer_once(RUNNING, ring);
	irq_enable();
	while (last - start < RUNNING + LATE_MAX && !rang) {
		uint64_t now = time_ns();

		if (now - last > gap)
			gap = now - last;
		last = now;
	}
	irq_disable();
	passed = mmio_read32(rtc) - before;
	check(gap < GAP_MAX, "the count went on by %lu ms at most", gap / NS_PER_MS);
	check(rang - start >= RUNNING && rang - start < RUNNING + LATE_MAX,
		"a timer of %lu ms after %lu ms", RUNNING / NS_PER_MS, (rang - start) / NS_PER_MS);
	check(passed >= PAUSED + RUNNING / NS_PER_S - 1, "%u seconds have passed", passed);
	return checks_failed();
}
