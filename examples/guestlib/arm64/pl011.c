/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Console on a PL011 [ARM DDI 0183]: the one that /chosen names, or the first of the tree. Polled;
 * the transmit FIFO's 16 bytes are filled at once, as each access of a register is an exit to the
 * monitor.
 */
#include "arch.h"
#include "arm64.h"

#define UART_WITHOUT_TREE 0x09000000

#define REG_DR   0x00
#define REG_FR   0x18
#define REG_IBRD 0x24
#define REG_FBRD 0x28
#define REG_LCRH 0x2C
#define REG_CR   0x30
#define REG_IMSC 0x38
#define REG_ICR  0x44

#define FR_RX_EMPTY 0x10
#define FR_TX_EMPTY 0x80
#define LCRH_8N1    0x70 /* and FIFOs */
#define CR_ON       0x301
#define INT_RX      0x50 /* FIFO filled so far, or bytes in it for long enough */
#define FIFO_SIZE   16

static uint64_t base;
static unsigned intid;
static void (*notify)(void);

void console_init(void)
{
	const char *path = boot.loader ? dt_string(dt_path("/chosen"), "stdout-path") : NULL;
	int node = path ? dt_path(path) : -1;
	uint64_t size;

	if (!base) {
		base = UART_WITHOUT_TREE;
	} else {
		if (node < 0)
			node = dt_compatible(-1, "arm,pl011");
		dt_reg(node, 0, &base, &size);
		intid = dt_interrupt(node, 0);
	}
	mmio_write32(base + REG_IMSC, 0);
	mmio_write32(base + REG_CR, 0);
	mmio_write32(base + REG_IBRD, 13); /* 115200 from 24 MHz */
	mmio_write32(base + REG_FBRD, 1);
	mmio_write32(base + REG_LCRH, LCRH_8N1);
	mmio_write32(base + REG_ICR, 0x7FF);
	mmio_write32(base + REG_CR, CR_ON);
}

uint64_t console_base(void)
{
	return base;
}

unsigned console_intid(void)
{
	return intid;
}

void arch_console_write(const char *text, size_t size)
{
	unsigned room = 0;

	for (size_t i = 0; i < size; i++) {
		for (unsigned n = text[i] == '\n' ? 2 : 1; n; n--) {
			while (!room)
				if (mmio_read32(base + REG_FR) & FR_TX_EMPTY)
					room = FIFO_SIZE;
			room--;
			mmio_write32(base + REG_DR, n == 2 ? '\r' : (uint8_t)text[i]);
		}
	}
}

int console_read(void)
{
	if (mmio_read32(base + REG_FR) & FR_RX_EMPTY)
		return -1;
	return mmio_read32(base + REG_DR) & 0xFF;
}

/* Bytes that are not read keep the interrupt up: it is switched off until it is asked for again. */
static void receive_interrupt(void)
{
	mmio_write32(base + REG_IMSC, 0);
	notify();
}

void console_notify(void (*handler)(void))
{
	if (!notify)
		gic_set(intid, false, receive_interrupt);
	notify = handler;
	mmio_write32(base + REG_IMSC, INT_RX);
}
