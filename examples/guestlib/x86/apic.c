/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Local APIC in xAPIC or x2APIC mode [SDM 3A 11.4-11.12], its timer, and the IOAPIC [82093AA]. The
 * two 8259 PICs are masked.
 */
#include "x86.h"

#define MSR_APIC_BASE    0x1B
#define APIC_BASE_X2APIC 0x400
#define APIC_BASE_ENABLE 0x800
#define MSR_X2APIC       0x800
#define CPUID_1_X2APIC   (1U << 21)

#define SPURIOUS_ENABLE 0x100
#define ICR_PENDING     0x1000
#define TIMER_DIV_16    0x3
#define TIMER_MEASURE   (10 * NS_PER_MS)

#define IOAPIC_BASE   0xFEC00000
#define IOAPIC_SELECT IOAPIC_BASE
#define IOAPIC_WINDOW (IOAPIC_BASE + 0x10)
#define IOAPIC_TABLE  0x10

#define PIC_MASTER_MASK 0x21
#define PIC_SLAVE_MASK  0xA1

static bool x2apic;
static uint64_t timer_hz;
static void (*timer_handlers[CPUS_MAX])(void);
static bool timer_stale[CPUS_MAX]; /* an interrupt of a stopped timer is still to come */

bool lapic_is_x2apic(void)
{
	return x2apic;
}

uint32_t lapic_read(unsigned reg)
{
	return x2apic ? (uint32_t)rdmsr(MSR_X2APIC + (reg >> 4)) : mmio_read32(LAPIC_BASE + reg);
}

void lapic_write(unsigned reg, uint32_t v)
{
	if (x2apic)
		wrmsr(MSR_X2APIC + (reg >> 4), v);
	else
		mmio_write32(LAPIC_BASE + reg, v);
}

uint32_t lapic_id(void)
{
	uint32_t id = lapic_read(LAPIC_ID);

	return x2apic ? id : id >> 24;
}

void lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

void lapic_send(uint32_t apic_id, uint32_t icr)
{
	if (x2apic) {
		wrmsr(MSR_X2APIC + (LAPIC_ICR >> 4), (uint64_t)apic_id << 32 | icr);
		return;
	}
	lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
	lapic_write(LAPIC_ICR, icr);
	while (lapic_read(LAPIC_ICR) & ICR_PENDING)
		cpu_relax();
}

static void timer_interrupt(struct trap_frame *f)
{
	unsigned cpu = cpu_id();

	(void)f;
	lapic_eoi();
	if (timer_stale[cpu])
		timer_stale[cpu] = false;
	else if (timer_handlers[cpu])
		timer_handlers[cpu]();
}

static uint32_t timer_count(void)
{
	return lapic_read(LAPIC_TIMER_NOW);
}

/* The timer's rate is not written anywhere that all monitors fill in: hold it against the TSC. */
static void timer_measure(void)
{
	struct sample first, last;

	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	lapic_write(LAPIC_TIMER_INIT, UINT32_MAX);
	first = sample_counter(timer_count);
	delay_ns(TIMER_MEASURE);
	last = sample_counter(timer_count);
	lapic_write(LAPIC_TIMER_INIT, 0);
	timer_hz = (first.count - last.count) * NS_PER_S / tsc_to_ns(last.tsc - first.tsc);
	if (!timer_hz)
		panic("the local APIC timer does not count");
}

void lapic_init_cpu(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);
	char mode[8] = "";

	cmdline_get("apic", mode, sizeof(mode));
	x2apic = base & APIC_BASE_X2APIC ||
		 (cpuid(1, 0).ecx & CPUID_1_X2APIC && strcmp(mode, "xapic") != 0);
	wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE | (x2apic ? APIC_BASE_X2APIC : 0));
	outb(PIC_MASTER_MASK, 0xFF);
	outb(PIC_SLAVE_MASK, 0xFF);
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	lapic_write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	lapic_write(LAPIC_TIMER_DIV, TIMER_DIV_16);
	trap_set(VECTOR_TIMER, timer_interrupt);
	if (!timer_hz)
		timer_measure();
}

static void timer_start(uint64_t ns, uint32_t mode, void (*handler)(void))
{
	uint64_t count = ns / NS_PER_S * timer_hz + ns % NS_PER_S * timer_hz / NS_PER_S;

	if (count > UINT32_MAX)
		panic("a timer of %lu ns is too long", ns);
	timer_stop();
	timer_handlers[cpu_id()] = handler;
	lapic_write(LAPIC_LVT_TIMER, mode | VECTOR_TIMER);
	lapic_write(LAPIC_TIMER_INIT, count ? (uint32_t)count : 1);
}

void timer_once(uint64_t ns, void (*handler)(void))
{
	timer_start(ns, 0, handler);
}

void timer_periodic(uint64_t ns, void (*handler)(void))
{
	timer_start(ns, LVT_PERIODIC, handler);
}

void timer_stop(void)
{
	uint32_t pending;

	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	lapic_write(LAPIC_TIMER_INIT, 0);
	pending = lapic_read(LAPIC_IRR + VECTOR_TIMER / 32 * 0x10);
	timer_stale[cpu_id()] = pending >> VECTOR_TIMER % 32 & 1;
}

uint32_t ioapic_read(unsigned reg)
{
	mmio_write32(IOAPIC_SELECT, reg);
	return mmio_read32(IOAPIC_WINDOW);
}

void ioapic_write(unsigned reg, uint32_t v)
{
	mmio_write32(IOAPIC_SELECT, reg);
	mmio_write32(IOAPIC_WINDOW, v);
}

void ioapic_route(unsigned gsi, unsigned vector, uint32_t apic_id)
{
	ioapic_write(IOAPIC_TABLE + 2 * gsi + 1, apic_id << 24);
	ioapic_write(IOAPIC_TABLE + 2 * gsi, vector);
}

void ioapic_mask(unsigned gsi)
{
	ioapic_write(IOAPIC_TABLE + 2 * gsi, LVT_MASKED);
}
