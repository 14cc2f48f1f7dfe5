/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The 16550A on COM1 as drivers probe and use it [National PC16550D]: scratch register, divisor
 * latch, FIFO identification, loopback of data and modem lines, interrupt identification, and
 * interrupts through the IOAPIC. Results are printed after the port is as the console needs it.
 */
#include "../check.h"
#include "x86.h"

#define DATA    (PORT_COM1 + 0)
#define IER     (PORT_COM1 + 1)
#define IIR     (PORT_COM1 + 2)
#define FCR     (PORT_COM1 + 2)
#define LCR     (PORT_COM1 + 3)
#define MCR     (PORT_COM1 + 4)
#define LSR     (PORT_COM1 + 5)
#define MSR     (PORT_COM1 + 6)
#define SCRATCH (PORT_COM1 + 7)

#define LCR_8N1       0x03
#define LCR_DLAB      0x80
#define MCR_DTR_RTS   0x03
#define MCR_OUT2      0x08
#define MCR_LOOP      0x10
#define LSR_READY     0x01
#define LSR_IDLE      0x60
#define IIR_NONE      0x01
#define IIR_THRE      0x02
#define IIR_RX        0x04
#define IIR_MASK      0x0F
#define IIR_FIFOS     0xC0
#define IER_RX        0x01
#define IER_THRE      0x02
#define VECTOR_SERIAL VECTOR_FREE
#define LIMIT         (200 * NS_PER_MS)

static volatile unsigned interrupts;
static volatile uint8_t last_iir, last_byte;

static void serial_interrupt(struct trap_frame *f)
{
	(void)f;
	last_iir = inb(IIR) & IIR_MASK;
	if (last_iir == IIR_RX)
		last_byte = inb(DATA);
	if (last_iir == IIR_THRE)
		outb(IER, inb(IER) & ~IER_THRE);
	interrupts = interrupts + 1;
	lapic_eoi();
}

static void nothing(void)
{
}

/* Waits for the N-th interrupt; the timer ends the wait when none comes. */
static bool wait_interrupt(unsigned n)
{
	uint64_t start = time_ns();

	timer_periodic(10 * NS_PER_MS, nothing);
	while (interrupts < n && time_ns() - start < LIMIT)
		cpu_wait();
	timer_stop();
	return interrupts >= n;
}

static void drain(void)
{
	while ((inb(LSR) & LSR_IDLE) != LSR_IDLE)
		;
}

static void check_registers(void)
{
	uint8_t scratch[2], low, high, lcr, fifos, no_fifos;

	drain();
	outb(SCRATCH, 0x5A);
	scratch[0] = inb(SCRATCH);
	outb(SCRATCH, 0xA5);
	scratch[1] = inb(SCRATCH);
	outb(LCR, LCR_DLAB | LCR_8N1);
	outb(DATA, 0x34);
	outb(IER, 0x12);
	low = inb(DATA);
	high = inb(IER);
	lcr = inb(LCR);
	outb(DATA, 1);
	outb(IER, 0);
	outb(LCR, LCR_8N1);
	outb(FCR, 0);
	no_fifos = inb(IIR) & IIR_FIFOS;
	outb(FCR, 0x07);
	fifos = inb(IIR) & IIR_FIFOS;

	check(scratch[0] == 0x5A && scratch[1] == 0xA5, "scratch register");
	check(low == 0x34 && high == 0x12 && lcr == (LCR_DLAB | LCR_8N1), "divisor latch");
	check(no_fifos == 0 && fifos == IIR_FIFOS, "FIFO identification: 16550A");
	check(inb(IER) == 0, "the divisor did not touch the interrupt enable register");
	drain();
	check((inb(IIR) & IIR_MASK) == IIR_NONE, "no interrupt is pending");
}

static void check_loopback(void)
{
	static const char text[] = "sixteen bytes in";
	bool ready_before, ready_after, all = true;
	uint8_t lines_on, lines_off;
	char got[16];

	drain();
	outb(MCR, MCR_LOOP | 0x0F);
	lines_on = inb(MSR) >> 4;
	outb(MCR, MCR_LOOP);
	lines_off = inb(MSR) >> 4;
	ready_before = inb(LSR) & LSR_READY;
	for (unsigned i = 0; i < 16; i++)
		outb(DATA, (uint8_t)text[i]);
	for (unsigned i = 0; i < 16; i++) {
		all = all && inb(LSR) & LSR_READY;
		got[i] = (char)inb(DATA);
	}
	ready_after = inb(LSR) & LSR_READY;
	outb(MCR, MCR_DTR_RTS);

	check(lines_on == 0x0F && lines_off == 0, "loopback of the modem lines (0x%x, 0x%x)",
		lines_on, lines_off);
	check(!ready_before && all && !ready_after && memcmp(got, text, 16) == 0,
		"loopback of a FIFO full of bytes");
}

static void check_interrupts(void)
{
	bool came, first_thre, rx;
	uint8_t iir, looped;

	trap_set(VECTOR_SERIAL, serial_interrupt);
	ioapic_route(acpi_isa_gsi(4), VECTOR_SERIAL, lapic_id());
	drain();
	outb(MCR, MCR_DTR_RTS | MCR_OUT2);
	outb(IER, IER_THRE);
	came = wait_interrupt(1);
	first_thre = came && last_iir == IIR_THRE;
	iir = inb(IIR) & IIR_MASK;

	/* In loopback OUT2 is off, and with it the line; the byte stays when the line is back. */
	outb(MCR, MCR_LOOP);
	outb(IER, IER_RX);
	outb(DATA, 'x');
	looped = inb(IIR) & IIR_MASK;
	outb(MCR, MCR_DTR_RTS | MCR_OUT2);
	rx = wait_interrupt(2) && last_iir == IIR_RX && last_byte == 'x';
	outb(IER, 0);
	outb(MCR, MCR_DTR_RTS);
	ioapic_mask(acpi_isa_gsi(4));

	check(first_thre, "an interrupt when the transmitter is empty");
	check(iir == IIR_NONE, "reading IIR took it back");
	check(looped == IIR_RX, "a byte has come, by loopback");
	check(rx, "an interrupt when a byte has come (%u interrupts, IIR %x)", interrupts,
		last_iir);
}

int guest_main(void)
{
	check_registers();
	check_loopback();
	check_interrupts();
	return checks_failed();
}
