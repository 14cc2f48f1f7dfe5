/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One clock for all CPUs: they take turns in reading it (x86: the TSC; arm64: the virtual count)
 * under a lock, and no reading may be below the one before it, whoever made that.
 */
#include "check.h"

#define READINGS 500 /* by each CPU */

static struct spinlock lock;
static uint64_t last, backwards, worst;
static unsigned turns[CPUS_MAX];
static unsigned started, cpus;

static void read_many(unsigned cpu)
{
	__atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&started, __ATOMIC_SEQ_CST) < cpus)
		cpu_relax();
	for (unsigned i = 0; i < READINGS; i++) {
		uint64_t now;

		spin_lock(&lock);
		now = clock_cycles();
		if (now < last) {
			backwards++;
			if (last - now > worst)
				worst = last - now;
		}
		last = now;
		turns[cpu]++;
		spin_unlock(&lock);
	}
}

int guest_main(void)
{
	cpus = cpu_count();
	check(cpus_start(read_many) == cpus, "%u CPUs run", cpus);
	read_many(0);
	cpus_join();
	for (unsigned i = 0; i < cpus; i++)
		if (turns[i] != READINGS)
			check(false, "cpu %u read %u times", i, turns[i]);
	check(backwards == 0, "the clock went back %lu times, by at most %lu cycles", backwards,
		worst);
	return checks_failed();
}
