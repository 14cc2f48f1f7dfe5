/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All CPUs start by INIT and SIPI, their APIC ids agree in MADT, local APIC and CPUID leaves 1 and
 * 0xB, and an interrupt from another CPU wakes each from HLT. cpus= says how many there are.
 */
#include "check.h"
#include "x86.h"

#define VECTOR_WAKE (VECTOR_FREE + 1)

static struct {
	uint32_t lapic, leaf1, leaf_b;
	uint32_t logical_count;
	unsigned woken;
} seen[CPUS_MAX];

static unsigned ready;

static void wake(struct trap_frame *f)
{
	(void)f;
	lapic_eoi();
	__atomic_store_n(&seen[cpu_id()].woken, 1, __ATOMIC_SEQ_CST);
}

static void look(unsigned cpu)
{
	seen[cpu].lapic = lapic_id();
	seen[cpu].leaf1 = cpuid(1, 0).ebx >> 24;
	seen[cpu].logical_count = cpuid(1, 0).ebx >> 16 & 0xFF;
	seen[cpu].leaf_b = cpuid(0, 0).eax >= 0xB ? cpuid(0xB, 0).edx : seen[cpu].leaf1;
}

static void other_cpu(unsigned cpu)
{
	look(cpu);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&seen[cpu].woken, __ATOMIC_SEQ_CST))
		cpu_wait();
}

int guest_main(void)
{
	unsigned cpus = (unsigned)cmdline_number("cpus", 1);
	unsigned right = 0, online;

	check(cpu_count() == cpus, "the MADT lists %u CPUs", cpu_count());
	trap_set(VECTOR_WAKE, wake);
	online = cpus_start(other_cpu);
	check(online == cpus, "%u CPUs run", online);
	look(0);
	while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < online - 1)
		cpu_relax();
	for (unsigned i = 1; i < online; i++)
		lapic_send(cpu_apic_id(i), ICR_FIXED | VECTOR_WAKE);
	cpus_join();
	check(true, "an interrupt woke each of them");
	for (unsigned i = 0; i < online; i++) {
		uint32_t id = cpu_apic_id(i);

		if (id == i && seen[i].lapic == id && seen[i].leaf1 == id && seen[i].leaf_b == id)
			right++;
		else
			kprintf("cpu %u: MADT %u, local APIC %u, CPUID leaf 1 %u, leaf 0xB %u\n", i,
				id, seen[i].lapic, seen[i].leaf1, seen[i].leaf_b);
	}
	check(right == cpus, "%u CPUs have the same APIC id everywhere", right);
	check(cpus == 1 || seen[0].logical_count >= cpus, "CPUID leaf 1 counts %u logical CPUs",
		seen[0].logical_count);
	return checks_failed();
}
