/* SPDX-License-Identifier: BSD-3-Clause */
/* APIC ids: they agree in MADT, local APIC and CPUID leaves 1 and 0xB. */
#include "../smp.h"

#include "../check.h"
#include "x86.h"

static struct {
	uint32_t lapic, leaf1, leaf_b;
	uint32_t logical_count;
} seen[CPUS_MAX];

void cpu_look(unsigned cpu)
{
	seen[cpu].lapic = lapic_id();
	seen[cpu].leaf1 = cpuid(1, 0).ebx >> 24;
	seen[cpu].logical_count = cpuid(1, 0).ebx >> 16 & 0xFF;
	seen[cpu].leaf_b = cpuid(0, 0).eax >= 0xB ? cpuid(0xB, 0).edx : seen[cpu].leaf1;
}

bool cpu_agrees(unsigned cpu)
{
	uint32_t id = cpu_apic_id(cpu);

	if (id == cpu && seen[cpu].lapic == id && seen[cpu].leaf1 == id && seen[cpu].leaf_b == id)
		return true;
	kprintf("cpu %u: MADT %u, local APIC %u, CPUID leaf 1 %u, leaf 0xB %u\n", cpu, id,
		seen[cpu].lapic, seen[cpu].leaf1, seen[cpu].leaf_b);
	return false;
}

void check_cpus(unsigned cpus)
{
	check(cpus == 1 || seen[0].logical_count >= cpus, "CPUID leaf 1 counts %u logical CPUs",
		seen[0].logical_count);
}
