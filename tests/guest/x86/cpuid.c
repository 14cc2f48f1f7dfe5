/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the processor says about itself and the monitor: CPUID's hypervisor leaves, long mode, the
 * MSRs that every kernel reads at its start, and that an exception can be handled and returned
 * from.
 */
#include "../check.h"
#include "x86.h"

static volatile unsigned faults;

/* Steps over RDMSR and UD2, which are two bytes long. */
static void skip(struct trap_frame *f)
{
	faults = faults + 1;
	f->rip += 2;
}

static void check_cpuid(void)
{
	struct cpuid c = cpuid(0x40000000, 0);
	char name[13] = "";

	memcpy(name, &c.ebx, 4);
	memcpy(name + 4, &c.ecx, 4);
	memcpy(name + 8, &c.edx, 4);
	check(cpuid(1, 0).ecx >> 31, "CPUID leaf 1 says that there is a hypervisor");
	check(c.eax >= 0x40000000 && c.eax < 0x40010000, "\"%s\", leaves up to 0x%x", name, c.eax);
	if (!memcmp(name, "KVMKVMKVM", 9)) {
		c = cpuid(0x40000001, 0);
		/* Clocks, end of interrupt and more, none that KVM has and nobody here knows. */
		check(c.eax & 1u << 3 && !(c.eax & ~0x01007EFBu), "KVM's features 0x%x", c.eax);
		check(!c.edx, "no hint that makes a guest poll");
	}
	check(cpuid(0, 0).eax >= 1, "basic leaves up to 0x%x", cpuid(0, 0).eax);
	check(cpuid(0x80000001, 0).edx >> 29 & 1, "long mode");
	check(cpuid(1, 0).edx >> 9 & 1, "a local APIC");
	check(cpuid(1, 0).edx >> 4 & 1, "a TSC");
}

static void check_msrs(void)
{
	static const struct {
		const char *name;
		uint32_t msr;
		uint64_t mask, value;
	} msrs[] = {
		{"IA32_APIC_BASE: base, enabled, boot CPU", 0x1B, 0xFFFFFF900, LAPIC_BASE | 0x900},
		{"IA32_EFER: LME and LMA", 0xC0000080, 0x500, 0x500},
		{"IA32_MTRRCAP", 0xFE, 0, 0},
		{"IA32_PAT", 0x277, 0x7, 0x6},
		{"IA32_MISC_ENABLE", 0x1A0, 0, 0},
	};

	trap_set(VECTOR_GP, skip);
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++) {
		unsigned before = faults;
		uint64_t v = rdmsr(msrs[i].msr);

		check(faults == before && (v & msrs[i].mask) == msrs[i].value, "%s: 0x%lx",
			msrs[i].name, v);
	}
	trap_set(VECTOR_GP, NULL);
}

int guest_main(void)
{
	check_cpuid();
	check_msrs();
	trap_set(VECTOR_UD, skip);
	faults = 0;
	__asm__ volatile("ud2");
	check(faults == 1, "an exception is handled and returned from");
	return checks_failed();
}
