/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A safety partition that beats: a timer interrupt, period after period, tells Bulkhead's control
 * page that the partition is alive, and measures by the guest's own clock how long ago
 * the beat before was. What this prints at the end is therefore what the partition itself has seen
 * of its neighbours.
 *
 * A beat is missed when the gap between two exceeds two periods: as many as fit into the gap, less
 * the one that came.
 *
 * The interrupt handler does nothing else: all printing is done by the main loop, which the timer
 * interrupts.
 */
#include "heartbeat.h"

#include "guest.h"

#include <bulkhead/control.h>

/* Written by the timer interrupt, read by the main loop: hence volatile. */
static struct {
	volatile uint64_t seen, missed, max_gap;
	volatile uint64_t last; /* ns since the start */
} beats;

static uint64_t period;
static bool has_control;

static void beat(void)
{
	uint64_t now = time_ns(), gap = now - beats.last;

	if (has_control)
		control_write(BULKHEAD_CONTROL_HEARTBEAT, 0);
	beats.last = now;
	if (gap > beats.max_gap)
		beats.max_gap = gap;
	if (gap > 2 * period)
		beats.missed = beats.missed + gap / period - 1;
	beats.seen = beats.seen + 1;
}

/* Answers a request to stop; true when this partition agrees. */
static bool stop_requested(bool veto)
{
	static bool vetoed;

	if (!has_control || control_read(BULKHEAD_CONTROL_STOP) != BULKHEAD_STOP_REQUESTED) {
		vetoed = false;
		return false;
	}
	if (!veto) {
		kprintf("heartbeat: stop requested: agreed\n");
		control_write(BULKHEAD_CONTROL_STOP, BULKHEAD_STOP_AGREE);
		return true;
	}
	/* Each time: it may be another request than the one seen last. */
	control_write(BULKHEAD_CONTROL_STOP, BULKHEAD_STOP_VETO);
	if (!vetoed)
		kprintf("heartbeat: stop requested: vetoed\n");
	vetoed = true;
	return false;
}

/* Returns how many beats there should have been when it ends. */
static uint64_t run(uint64_t count, bool veto)
{
	uint64_t done = 0;

	beats.last = time_ns();
	timer_periodic(period, beat);
	while (!count || beats.seen + beats.missed < count) {
		/* cpu_wait wants interrupts off, lest the one that it waits for comes before. */
		while (beats.seen == done)
			cpu_wait();
		irq_enable();
		/* Each one, also when several came while the last was dealt with. */
		while (done < beats.seen)
			fail_at(++done);
		status_poll();
		if (stop_requested(veto))
			count = beats.seen + beats.missed;
		irq_disable();
	}
	timer_stop();
	return count;
}

int guest_main(void)
{
	uint64_t count = cmdline_number("beats", 500);
	bool veto = cmdline_number("veto", 0), lock = cmdline_number("lock", 0);
	uint64_t expected;

	period = cmdline_number("period_ms", 10) * NS_PER_MS;
	if (!period)
		panic("period_ms=0 is no period");
	has_control = control_read(BULKHEAD_CONTROL_ID) == BULKHEAD_CONTROL_MAGIC;
	kprintf("heartbeat: a beat each %lu ms, control page %s", period / NS_PER_MS,
		has_control ? "found" : "absent");
	if (has_control && control_read(BULKHEAD_CONTROL_WATCHDOG))
		kprintf(", watchdog %u us", control_read(BULKHEAD_CONTROL_WATCHDOG));
	kprintf("\n");
	fail_init();
	status_init();
	if (has_control && lock)
		control_write(BULKHEAD_CONTROL_LOCK, 1);
	expected = run(count, veto);
	if (has_control && lock)
		control_write(BULKHEAD_CONTROL_LOCK, 0);
	kprintf("heartbeat: %lu beats expected, %lu seen, %lu missed, max gap %lu.%lu ms\n",
		expected, beats.seen, beats.missed, beats.max_gap / NS_PER_MS,
		beats.max_gap % NS_PER_MS / (NS_PER_MS / 10));
	return beats.missed != 0;
}
