/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PL011 as drivers probe and use it [ARM DDI 0183]: identification, line settings, flags, raw
 * and masked interrupts, interrupts through the GIC, and loopback (loopback=0: not where it is not
 * modelled). Results are printed after the port is as the console needs it.
 */
#include "../check.h"
#include "arm64.h"

#define REG_DR   0x000
#define REG_RSR  0x004
#define REG_FR   0x018
#define REG_IBRD 0x024
#define REG_FBRD 0x028
#define REG_LCRH 0x02C
#define REG_CR   0x030
#define REG_IFLS 0x034
#define REG_IMSC 0x038
#define REG_RIS  0x03C
#define REG_MIS  0x040
#define REG_ICR  0x044
#define REG_ID   0xFE0

#define FR_RX_EMPTY 0x10
#define FR_TX_FULL  0x20
#define FR_RX_FULL  0x40
#define FR_TX_EMPTY 0x80
#define LCRH_8N1    0x70
#define CR_ON       0x301
#define CR_LOOP     0x80
#define INT_RX      0x10
#define INT_TX      0x20
#define INT_RT      0x40
#define INT_ALL     0x7FF
#define FIFO_SIZE   16
#define LIMIT       (200 * NS_PER_MS)

static uint64_t base;
static volatile unsigned interrupts;
static volatile uint32_t last_mis;

static uint32_t get(unsigned reg)
{
	return mmio_read32(base + reg);
}

static void put(unsigned reg, uint32_t v)
{
	mmio_write32(base + reg, v);
}

static void serial_interrupt(void)
{
	last_mis = get(REG_MIS);
	put(REG_IMSC, get(REG_IMSC) & ~last_mis);
	interrupts = interrupts + 1;
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
	while (!(get(REG_FR) & FR_TX_EMPTY))
		;
}

static void check_registers(void)
{
	static const uint8_t id[8] = {0x11, 0x10, 0x14, 0x00, 0x0D, 0xF0, 0x05, 0xB1};
	uint32_t ibrd, fbrd, lcrh, ifls;
	unsigned good = 0;

	drain();
	for (unsigned i = 0; i < 8; i++)
		good += get(REG_ID + 4 * i) == id[i];
	put(REG_IBRD, 0x1234);
	put(REG_FBRD, 0x2A);
	put(REG_IFLS, 0x09);
	ibrd = get(REG_IBRD);
	fbrd = get(REG_FBRD);
	ifls = get(REG_IFLS);
	lcrh = get(REG_LCRH);
	put(REG_IBRD, 13);
	put(REG_FBRD, 1);
	put(REG_IFLS, 0x12);
	check(good == 8, "a PL011, revision 1");
	check(ibrd == 0x1234 && fbrd == 0x2A, "the divisors");
	check(lcrh == LCRH_8N1 && ifls == 0x09, "line control and FIFO levels");
	drain();
	check((get(REG_FR) & (FR_RX_EMPTY | FR_TX_FULL | FR_RX_FULL | FR_TX_EMPTY)) ==
			(FR_RX_EMPTY | FR_TX_EMPTY),
		"the FIFOs are empty");
	check(get(REG_RSR) == 0, "no errors");
}

static void check_interrupts(void)
{
	bool came, cleared;
	uint32_t mis, ris;

	gic_set(console_intid(), false, serial_interrupt);
	drain();
	put(REG_ICR, INT_ALL);
	put(REG_IMSC, INT_TX);
	put(REG_DR, ' ');
	came = wait_interrupt(1);
	mis = last_mis;
	ris = get(REG_RIS);
	put(REG_ICR, INT_TX);
	cleared = !(get(REG_RIS) & INT_TX);
	put(REG_DR, '\n');
	drain();
	check(came && mis == INT_TX, "an interrupt when there is room again");
	check(ris & INT_TX && cleared, "it stays until it is cleared");
	check(interrupts == 1, "one that is masked does not come");
}

static void check_loopback(void)
{
	static const char text[] = "sixteen bytes in";
	bool full, came, empty;
	uint32_t mis, ris;
	char got[FIFO_SIZE];

	drain();
	put(REG_CR, CR_ON | CR_LOOP);
	for (unsigned i = 0; i < FIFO_SIZE; i++)
		put(REG_DR, (uint8_t)text[i]);
	full = get(REG_FR) & FR_RX_FULL;
	interrupts = 0;
	put(REG_IMSC, INT_RX);
	came = wait_interrupt(1);
	mis = last_mis;
	for (unsigned i = 0; i < FIFO_SIZE; i++)
		got[i] = (char)get(REG_DR);
	empty = get(REG_FR) & FR_RX_EMPTY;
	put(REG_DR, 'x');
	ris = get(REG_RIS);
	(void)get(REG_DR);
	put(REG_ICR, INT_ALL);
	put(REG_CR, CR_ON);
	gic_clear(console_intid());
	check(full && empty && memcmp(got, text, FIFO_SIZE) == 0,
		"loopback of a FIFO full of bytes");
	check(came && mis == INT_RX, "an interrupt when the FIFO is filled so far");
	check(ris & INT_RT && !(ris & INT_RX), "a time-out when fewer have come");
}

int guest_main(void)
{
	base = console_base();
	check(base && console_intid(), "the console at 0x%lx, INTID %u", base, console_intid());
	check_registers();
	check_interrupts();
	if (cmdline_number("loopback", 1))
		check_loopback();
	return checks_failed();
}
