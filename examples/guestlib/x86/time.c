/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Time from the TSC. Its rate comes from CPUID leaf 0x40000010 (kHz, as several hypervisors have
 * it), else leaf 0x15 [SDM 3A 20.7.3], else from counting it against the PIT.
 */
#include "x86.h"

#define PIT_CHANNEL_0 0x40
#define PIT_CONTROL   0x43
#define PIT_MEASURE   (PIT_HZ / 100) /* 10 ms */

#define CPUID_HYPERVISOR         0x40000000
#define CPUID_TSC_KHZ            0x40000010
#define CPUID_1_HYPERVISOR       (1U << 31)
#define TSC_HZ_WHEN_NOBODY_KNOWS 1000000000

static uint64_t hz;
static const char *source;
static uint64_t start_tsc;
static uint64_t ns_per_cycle; /* 32.32 fixed point */

void pit_set(unsigned mode, uint16_t count)
{
	outb(PIT_CONTROL, (uint8_t)(0x30 | mode << 1)); /* channel 0, low then high byte */
	outb(PIT_CHANNEL_0, (uint8_t)count);
	outb(PIT_CHANNEL_0, (uint8_t)(count >> 8));
}

uint16_t pit_read(void)
{
	uint8_t low;

	outb(PIT_CONTROL, 0); /* latch channel 0 */
	low = inb(PIT_CHANNEL_0);
	return (uint16_t)(low | inb(PIT_CHANNEL_0) << 8);
}

/* Cycles a second, or 0 when the PIT does not count. */
static uint64_t measure(void)
{
	uint64_t start, end, deadline;
	uint16_t first, now;

	pit_set(2, 0xFFFF);
	first = pit_read();
	start = rdtsc();
	deadline = start + 1000000000; /* a fraction of a second, whatever the rate is */
	do {
		now = pit_read();
		end = rdtsc();
		if (end > deadline)
			return 0;
	} while (first - now < PIT_MEASURE);
	return (end - start) * PIT_HZ / (uint64_t)(first - now);
}

static uint64_t from_cpuid(void)
{
	struct cpuid c;

	if (cpuid(1, 0).ecx & CPUID_1_HYPERVISOR &&
		cpuid(CPUID_HYPERVISOR, 0).eax >= CPUID_TSC_KHZ) {
		source = "CPUID leaf 0x40000010";
		hz = cpuid(CPUID_TSC_KHZ, 0).eax * UINT64_C(1000);
	}
	if (!hz && cpuid(0, 0).eax >= 0x15) {
		c = cpuid(0x15, 0);
		source = "CPUID leaf 0x15";
		if (c.eax && c.ebx)
			hz = (uint64_t)c.ecx * c.ebx / c.eax;
	}
	return hz;
}

void time_init(void)
{
	hz = from_cpuid();
	if (!hz) {
		source = "PIT";
		hz = measure();
	}
	if (!hz) {
		source = "a guess";
		hz = TSC_HZ_WHEN_NOBODY_KNOWS;
	}
	ns_per_cycle = (NS_PER_S << 32) / hz;
	start_tsc = rdtsc();
}

uint64_t tsc_hz(void)
{
	return hz;
}

const char *tsc_source(void)
{
	return source;
}

uint64_t time_ns(void)
{
	uint64_t cycles = rdtsc() - start_tsc;

	return (uint64_t)((unsigned __int128)cycles * ns_per_cycle >> 32);
}
