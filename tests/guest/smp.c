/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All CPUs start, each finds itself to be what the firmware's tables say, and an interrupt from
 * another CPU wakes each from its sleep. cpus= says how many there are.
 */
#include "smp.h"

#include "check.h"

static unsigned woken[CPUS_MAX];
static unsigned ready;

static void wake(void)
{
	__atomic_store_n(&woken[cpu_id()], 1, __ATOMIC_SEQ_CST);
}

static void other_cpu(unsigned cpu)
{
	cpu_look(cpu);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&woken[cpu], __ATOMIC_SEQ_CST))
		cpu_wait();
}

int guest_main(void)
{
	unsigned cpus = (unsigned)cmdline_number("cpus", 1);
	unsigned right = 0, online;

	check(cpu_count() == cpus, "the firmware's tables list %u CPUs", cpu_count());
	ipi_set(wake);
	online = cpus_start(other_cpu);
	check(online == cpus, "%u CPUs run", online);
	cpu_look(0);
	while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < online - 1)
		cpu_relax();
	for (unsigned i = 1; i < online; i++)
		ipi_send(i);
	cpus_join();
	check(true, "an interrupt woke each of them");
	for (unsigned i = 0; i < online; i++)
		right += cpu_agrees(i);
	check(right == cpus, "%u CPUs are the same everywhere", right);
	check_cpus(cpus);
	return checks_failed();
}
