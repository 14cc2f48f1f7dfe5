/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Time from the TSC. Its rate comes from CPUID leaf 0x40000010 (kHz, as several hypervisors have
 * it), else leaf 0x15 [SDM 3A 20.7.3], else from counting it against the PIT.
 */
#include "x86.h"

#define PIT_CHANNEL_0 0x40
#define PIT_CONTROL   0x43
#define PIT_MEASURE   (PIT_HZ / 100) /* 10 ms */
#define MEASUREMENTS  3
#define SAMPLES       4
#define GIVE_UP       1000000000 /* cycles: a fraction of a second, whatever the rate is */

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

uint32_t pit_read(void)
{
	uint8_t low;

	outb(PIT_CONTROL, 0); /* latch channel 0 */
	low = inb(PIT_CHANNEL_0);
	return low | (uint32_t)inb(PIT_CHANNEL_0) << 8;
}

struct sample sample_counter(uint32_t (*read)(void))
{
	uint64_t shortest = UINT64_MAX;
	struct sample best = {0};

	for (unsigned i = 0; i < SAMPLES; i++) {
		uint64_t before = rdtsc();
		uint32_t count = read();
		uint64_t took = rdtsc() - before;

		if (took >= shortest)
			continue;
		shortest = took;
		best = (struct sample){before + took / 2, count};
	}
	return best;
}

/* Cycles a second, or 0 when the PIT does not count. */
static uint64_t measure_once(void)
{
	struct sample first = sample_counter(pit_read), now;
	uint16_t ticks;

	do {
		now = sample_counter(pit_read);
		ticks = (uint16_t)(first.count - now.count);
		if (now.tsc - first.tsc > GIVE_UP)
			return 0;
	} while (ticks < PIT_MEASURE);
	return (now.tsc - first.tsc) * PIT_HZ / ticks;
}

/* The lowest of a few: whoever is away until the PIT wraps (55 ms) finds too high a rate. */
static uint64_t measure(void)
{
	uint64_t lowest = UINT64_MAX;

	pit_set(2, 0); /* counts 65536 down, again and again */
	for (unsigned i = 0; i < MEASUREMENTS; i++) {
		uint64_t found = measure_once();

		if (found && found < lowest)
			lowest = found;
	}
	return lowest == UINT64_MAX ? 0 : lowest;
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

uint64_t tsc_to_ns(uint64_t cycles)
{
	return (uint64_t)((unsigned __int128)cycles * ns_per_cycle >> 32);
}

uint64_t clock_cycles(void)
{
	return rdtsc();
}

uint64_t time_ns(void)
{
	return tsc_to_ns(rdtsc() - start_tsc);
}
