/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The second PL011, which is the run's console when the first is not: what is written to it comes
 * out, and its interrupt is another one.
 */
#include "guest.h"

#include "arm64.h"

#define REG_DR   0x00
#define REG_FR   0x18
#define REG_IMSC 0x38
#define REG_ICR  0x44
#define FR_FULL  0x20
#define INT_TX   0x20
#define LIMIT    NS_PER_S

static uint64_t base;
static volatile bool interrupted;

static void on_interrupt(void)
{
	mmio_write32(base + REG_IMSC, 0);
	interrupted = true;
}

static void nothing(void)
{
}

static void say(const char *text)
{
	for (; *text; text++) {
		while (mmio_read32(base + REG_FR) & FR_FULL)
			cpu_relax();
		mmio_write32(base + REG_DR, (uint8_t)*text);
	}
}

int guest_main(void)
{
	int node = dt_compatible(dt_compatible(-1, "arm,pl011"), "arm,pl011");
	unsigned intid = dt_interrupt(node, 0);
	uint64_t size, start = time_ns();

	if (!dt_reg(node, 0, &base, &size) || base == console_base() || intid == console_intid())
		return 1;
	gic_set(intid, false, on_interrupt);
	mmio_write32(base + REG_ICR, INT_TX);
	mmio_write32(base + REG_IMSC, INT_TX);
	say("the second port\n");
	timer_periodic(10 * NS_PER_MS, nothing);
	while (!interrupted && time_ns() - start < LIMIT)
		cpu_wait();
	say(interrupted ? "and its interrupt\n" : "without an interrupt\n");
	return 0;
}
