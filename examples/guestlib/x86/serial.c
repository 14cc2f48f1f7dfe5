/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Console on COM1: a 16550A polled at 115200 8N1 [National PC16550D]. The transmit FIFO's 16 bytes
 * are filled at once: a port access may cost as much as thousands of instructions.
 */
#include "arch.h"
#include "x86.h"

#define REG_DATA 0
#define REG_IER  1
#define REG_FCR  2
#define REG_LCR  3
#define REG_MCR  4
#define REG_LSR  5

#define IER_DATA_READY 0x01
#define MCR_READY      0x03 /* DTR, RTS */
#define MCR_OUT2       0x08 /* lets interrupts out */
#define LSR_DATA_READY 0x01
#define LSR_THR_EMPTY  0x20
#define LSR_ABSENT     0xFF /* nobody answers this port */
#define FIFO_SIZE      16
#define COM1_IRQ       4

static void serial_init(void)
{
	outb(PORT_COM1 + REG_IER, 0);
	outb(PORT_COM1 + REG_LCR, 0x80);
	outb(PORT_COM1 + REG_DATA, 1); /* divisor 1: 115200 */
	outb(PORT_COM1 + REG_IER, 0);
	outb(PORT_COM1 + REG_LCR, 0x03); /* 8N1 */
	outb(PORT_COM1 + REG_FCR, 0x07); /* FIFOs on and empty */
	outb(PORT_COM1 + REG_MCR, MCR_READY);
}

static bool serial_wait(void)
{
	uint8_t lsr;

	do
		lsr = inb(PORT_COM1 + REG_LSR);
	while (!(lsr & LSR_THR_EMPTY));
	return lsr != LSR_ABSENT;
}

void arch_console_write(const char *text, size_t size)
{
	unsigned room = 0;

	for (size_t i = 0; i < size; i++) {
		for (unsigned n = text[i] == '\n' ? 2 : 1; n; n--) {
			if (!room && !serial_wait())
				return;
			room = (room ? room : FIFO_SIZE) - 1;
			outb(PORT_COM1 + REG_DATA, n == 2 ? '\r' : (uint8_t)text[i]);
		}
	}
}

int console_read(void)
{
	uint8_t lsr = inb(PORT_COM1 + REG_LSR);

	if (lsr == LSR_ABSENT || !(lsr & LSR_DATA_READY))
		return -1;
	return inb(PORT_COM1 + REG_DATA);
}

static void (*notify)(void);

/* Bytes that are not read keep the interrupt up: it is switched off until it is asked for again. */
static void serial_interrupt(void)
{
	outb(PORT_COM1 + REG_IER, 0);
	notify();
}

void console_notify(void (*handler)(void))
{
	if (!notify) {
		gsi_set(acpi_isa_gsi(COM1_IRQ), serial_interrupt);
		outb(PORT_COM1 + REG_MCR, MCR_READY | MCR_OUT2);
	}
	notify = handler;
	outb(PORT_COM1 + REG_IER, IER_DATA_READY);
}

void arch_init(void)
{
	serial_init();
	multiboot_init();
	trap_init();
	time_init();
	lapic_init_cpu();
}
