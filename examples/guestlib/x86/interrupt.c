/* SPDX-License-Identifier: BSD-3-Clause */
/* The interrupts of guest.h: device interrupts through the IOAPIC, and those from CPU to CPU. */
#include "x86.h"

#define GSIS_MAX 8

static struct {
	unsigned gsi;
	void (*handler)(void);
} gsis[GSIS_MAX];

static void (*ipi_handler)(void);

static void gsi_interrupt(struct trap_frame *f)
{
	void (*handler)(void) = gsis[f->vector - VECTOR_GSI].handler;

	lapic_eoi();
	if (handler)
		handler();
}

void gsi_set(unsigned gsi, void (*handler)(void))
{
	unsigned i = 0;

	while (i < GSIS_MAX && gsis[i].handler && gsis[i].gsi != gsi)
		i++;
	if (i == GSIS_MAX)
		panic("interrupts: no vector left for GSI %u", gsi);
	if (!handler)
		ioapic_mask(gsi);
	gsis[i].gsi = gsi;
	gsis[i].handler = handler;
	trap_set(VECTOR_GSI + i, gsi_interrupt);
	if (handler)
		ioapic_route(gsi, VECTOR_GSI + i, lapic_id());
}

static void ipi_interrupt(struct trap_frame *f)
{
	(void)f;
	lapic_eoi();
	ipi_handler();
}

void ipi_set(void (*handler)(void))
{
	ipi_handler = handler;
	trap_set(VECTOR_IPI, ipi_interrupt);
}

void ipi_send(unsigned cpu)
{
	lapic_send(cpu_apic_id(cpu), ICR_FIXED | VECTOR_IPI);
}
