/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The CMOS clock [MC146818A]: valid, set to the host's UTC (epoch=, in seconds, says what that was
 * a moment ago), and as fast as the TSC says.
 */
#include "../check.h"
#include "x86.h"

#define INDEX        0x70
#define DATA         0x71
#define REG_A        0x0A
#define REG_B        0x0B
#define REG_D        0x0D
#define A_UPDATING   0x80
#define B_BINARY     0x04
#define B_24H        0x02
#define D_VALID      0x80
#define SECONDS_LATE 30 /* that a loaded host may take from epoch= to here */

static uint8_t cmos(uint8_t index)
{
	outb(INDEX, index);
	return inb(DATA);
}

static unsigned value(uint8_t index)
{
	uint8_t v = cmos(index);

	return cmos(REG_B) & B_BINARY ? v : (v >> 4) * 10U + (v & 15);
}

/* Seconds since 1970, read between updates. */
static uint64_t read_clock(void)
{
	static const unsigned before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	unsigned second, minute, hour, day, month, year;
	uint64_t start = time_ns();

	do {
		while (cmos(REG_A) & A_UPDATING)
			if (time_ns() - start > NS_PER_S)
				return 0;
		second = value(0);
		minute = value(2);
		hour = value(4);
		day = value(7);
		month = value(8);
		year = value(9) + 2000; /* not all have a century register */
	} while (second != value(0));
	check(second < 60 && minute < 60 && hour < 24 && day >= 1 && day <= 31 && month >= 1 &&
			month <= 12,
		"%u-%02u-%02u %02u:%02u:%02u", year, month, day, hour, minute, second);
	if (month < 1 || month > 12)
		return 0;
	return ((year - 1970) * UINT64_C(365) + (year - 1969) / 4 + before[month - 1] + day - 1 +
		       (month > 2 && year % 4 == 0)) *
		       86400 +
	       hour * 3600 + minute * 60 + second;
}

static void nothing(void)
{
}

/* When the seconds change; 0 when they do not. */
static uint64_t next_second(void)
{
	uint64_t start = time_ns();
	unsigned second = value(0);

	while (value(0) == second) {
		if (time_ns() - start > 5 * NS_PER_S)
			return 0;
		cpu_wait();
	}
	return time_ns();
}

int guest_main(void)
{
	uint64_t epoch = cmdline_number("epoch", 0);
	uint64_t now, first, second;

	check(cmos(REG_D) == D_VALID, "register D: valid RAM and time");
	check(cmos(REG_B) & B_24H, "register B: 24-hour mode");
	check((cmos(REG_A) & 0x70) == 0x20, "register A: the divider runs at 32768 Hz");
	now = read_clock();
	check(now + 2 >= epoch && now <= epoch + SECONDS_LATE, "%lu seconds since 1970, host %lu",
		now, epoch);
	timer_periodic(2 * NS_PER_MS, nothing);
	first = next_second();
	second = next_second();
	check(first && second - first > 800 * NS_PER_MS && second - first < 1200 * NS_PER_MS,
		"a second took %lu ms by the TSC, %lu Hz from %s", (second - first) / NS_PER_MS,
		tsc_hz(), tsc_source());
	return checks_failed();
}
