/* SPDX-License-Identifier: BSD-3-Clause */
/* Counting the interrupts that CPUs see, and waiting for them. For one image each. */
#ifndef TESTS_GUEST_ARM64_SEEN_H
#define TESTS_GUEST_ARM64_SEEN_H

#include "guest.h"

#define SEEN_LIMIT (500 * NS_PER_MS)

static volatile unsigned seen[CPUS_MAX];

static void nothing(void)
{
}

/* Waits until CPU has seen N interrupts; the timer ends the sleep when none comes. */
static bool wait_seen(unsigned cpu, unsigned n)
{
	uint64_t start = time_ns();

	timer_periodic(5 * NS_PER_MS, nothing);
	while (seen[cpu] < n && time_ns() - start < SEEN_LIMIT)
		cpu_wait();
	timer_stop();
	return seen[cpu] == n;
}

#endif
