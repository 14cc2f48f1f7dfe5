/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PL031 [ARM DDI 0224]: runs, set to the host's UTC (epoch=, in seconds, says what that was a
 * moment ago), as fast as the timer says, can be set, and its alarm is an interrupt.
 */
#include "../check.h"
#include "arm64.h"

#define REG_DR       0x00
#define REG_MR       0x04
#define REG_LR       0x08
#define REG_CR       0x0C
#define REG_IMSC     0x10
#define REG_RIS      0x14
#define REG_MIS      0x18
#define REG_ICR      0x1C
#define REG_ID       0xFE0
#define SECONDS_LATE 60 /* that a loaded host may take from epoch= to here */
#define LIMIT        (5 * NS_PER_S)

static uint64_t base;
static volatile unsigned alarms;

static void on_alarm(void)
{
	alarms = alarms + 1;
	mmio_write32(base + REG_ICR, 1);
}

static void nothing(void)
{
}

static uint32_t now(void)
{
	return mmio_read32(base + REG_DR);
}

/* When the seconds change; 0 when they do not. */
static uint64_t next_second(void)
{
	uint64_t start = time_ns();
	uint32_t second = now();

	while (now() == second) {
		if (time_ns() - start > LIMIT)
			return 0;
		cpu_wait();
	}
	return time_ns();
}

static void check_alarm(unsigned intid)
{
	uint64_t start = time_ns();

	mmio_write32(base + REG_ICR, 1);
	gic_set(intid, false, on_alarm);
	mmio_write32(base + REG_IMSC, 1);
	mmio_write32(base + REG_MR, now() + 1);
	while (!alarms && time_ns() - start < LIMIT)
		cpu_wait();
	check(alarms == 1 && time_ns() - start < 3 * NS_PER_S, "an alarm after %lu ms",
		(time_ns() - start) / NS_PER_MS);
	check(mmio_read32(base + REG_RIS) == 0, "it is cleared");
	mmio_write32(base + REG_IMSC, 0);
	mmio_write32(base + REG_MR, now() + 1);
	next_second();
	delay_ns(100 * NS_PER_MS);
	check(mmio_read32(base + REG_RIS) == 1 && mmio_read32(base + REG_MIS) == 0 && alarms == 1,
		"one that is masked shows, and does not come");
}

int guest_main(void)
{
	static const uint8_t id[8] = {0x31, 0x10, 0x04, 0x00, 0x0D, 0xF0, 0x05, 0xB1};
	uint64_t epoch = cmdline_number("epoch", 0), size, first, second;
	int node = dt_compatible(-1, "arm,pl031");
	unsigned good = 0;

	check(dt_reg(node, 0, &base, &size) && dt_interrupt(node, 0), "a PL031 at 0x%lx, INTID %u",
		base, dt_interrupt(node, 0));
	for (unsigned i = 0; i < 8; i++)
		good += i == 2 || mmio_read32(base + REG_ID + 4 * i) == id[i]; /* 2: the revision */
	check(good == 8, "its identification");
	check(mmio_read32(base + REG_CR) == 1, "it runs");
	check(now() + 2 >= epoch && now() <= epoch + SECONDS_LATE,
		"%u seconds since 1970, host %lu", now(), epoch);
	timer_periodic(2 * NS_PER_MS, nothing);
	first = next_second();
	second = next_second();
	check(first && second - first > 800 * NS_PER_MS && second - first < 1200 * NS_PER_MS,
		"a second took %lu ms", (second - first) / NS_PER_MS);
	mmio_write32(base + REG_LR, 1000000000);
	next_second();
	check(now() >= 1000000000 && now() < 1000000000 + SECONDS_LATE, "it can be set: %u", now());
	check_alarm(dt_interrupt(node, 0));
	return checks_failed();
}
