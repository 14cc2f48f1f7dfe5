/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/pl031.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"
#include "vmm/device.h"

#include <errno.h>

#define BASE ARM64_RTC_BASE
#define IRQ  ARM64_SPI_RTC

/* Registers, as offsets from BASE. */
enum {
	DR = 0x00,
	MR = 0x04,
	LR = 0x08,
	CR = 0x0C,
	IMSC = 0x10,
	RIS = 0x14,
	MIS = 0x18,
	ICR = 0x1C
};

#define START 1700000000

static struct fixture fx;
static struct timespec host;
static time_t alarm_at; /* what the device asked for; 0: nothing */

static void test_now(void *ctx, struct timespec *ret_now)
{
	ck_assert_ptr_eq(ctx, &host);
	*ret_now = host;
}

static void test_alarm(void *ctx, time_t at)
{
	ck_assert_ptr_eq(ctx, &host);
	alarm_at = at;
}

static uint32_t in(unsigned reg)
{
	return (uint32_t)fixture_load(&fx, BASE + reg, 4);
}

static void out(unsigned reg, uint32_t value)
{
	fixture_store(&fx, BASE + reg, 4, value);
}

static void setup(void)
{
	const struct rtc_config cfg = {.now = test_now, .alarm = test_alarm, .ctx = &host};

	host = (struct timespec){.tv_sec = START, .tv_nsec = 999999999};
	alarm_at = 0;
	fixture_init_arm64(&fx);
	ck_assert_int_eq(pl031_create(&fx.m, &cfg), 0);
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

START_TEST(reset_state)
{
	static const uint8_t ids[] = {0x31, 0x10, 0x14, 0x00, 0x0D, 0xF0, 0x05, 0xB1};

	ck_assert_uint_eq(in(DR), START);
	ck_assert_uint_eq(in(MR), 0);
	ck_assert_uint_eq(in(LR), 0);
	ck_assert_uint_eq(in(CR), 1); /* it runs */
	ck_assert_uint_eq(in(IMSC), 0);
	ck_assert_uint_eq(in(RIS), 0);
	ck_assert_uint_eq(in(MIS), 0);
	ck_assert_uint_eq(in(ICR), 0);
	ck_assert_uint_eq(in(0x80), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert_uint_eq(in(0xFE0 + 4 * i), ids[i]);
	ck_assert_str_eq(fx.m.devices[0]->cls->fdt_compatible, "arm,pl031");
	ck_assert(fx.m.irqs[0].level);
	/* What is read-only, and what cannot be stopped. */
	out(DR, 0);
	out(CR, 0);
	out(RIS, 1);
	out(MIS, 1);
	ck_assert_uint_eq(in(DR), START);
	ck_assert_uint_eq(in(CR), 1);
	ck_assert_uint_eq(in(RIS), 0);
	ck_assert_int_eq(alarm_at, 0);
}
END_TEST

START_TEST(clock_runs_and_is_set)
{
	host.tv_sec += 10;
	ck_assert_uint_eq(in(DR), START + 10);
	out(LR, 1000);
	ck_assert_uint_eq(in(LR), 1000);
	ck_assert_uint_eq(in(DR), 1000);
	host.tv_sec += 5;
	ck_assert_uint_eq(in(DR), 1005);
	ck_assert_uint_eq(in(LR), 1000);
	host.tv_sec -= 10; /* the host's clock is set back, and the guest's follows */
	ck_assert_uint_eq(in(DR), 995);
	out(LR, UINT32_MAX);
	host.tv_sec++;
	ck_assert_uint_eq(in(DR), 0);
}
END_TEST

START_TEST(alarm_comes)
{
	out(IMSC, 0xFF);
	ck_assert_uint_eq(in(IMSC), 1);
	out(MR, START + 60);
	ck_assert_uint_eq(in(MR), START + 60);
	ck_assert_int_eq(alarm_at, START + 60);
	host.tv_sec += 59;
	rtc_alarm(&fx.m); /* too early: it stays armed */
	ck_assert(!fx.line[IRQ]);
	host.tv_sec += 1;
	rtc_alarm(&fx.m);
	ck_assert(fx.line[IRQ]);
	ck_assert_uint_eq(in(RIS), 1);
	ck_assert_uint_eq(in(MIS), 1);
	out(ICR, 1);
	ck_assert(!fx.line[IRQ]);
	rtc_alarm(&fx.m); /* only once */
	ck_assert(!fx.line[IRQ]);
	ck_assert_uint_eq(fx.edges[IRQ], 1);
}
END_TEST

START_TEST(mask)
{
	out(MR, START); /* now */
	ck_assert_uint_eq(in(RIS), 1);
	ck_assert_uint_eq(in(MIS), 0);
	ck_assert(!fx.line[IRQ]);
	out(IMSC, 1);
	ck_assert_uint_eq(in(MIS), 1);
	ck_assert(fx.line[IRQ]);
	out(IMSC, 0);
	ck_assert(!fx.line[IRQ]);
	out(ICR, ~1u); /* other bits clear nothing */
	ck_assert_uint_eq(in(RIS), 1);
	ck_assert_int_eq(alarm_at, 0); /* there is nothing to wait for */
}
END_TEST

/* Whichever is set, the alarm or the clock: the match is where the counter comes to it. */
START_TEST(alarm_follows_the_clock)
{
	out(IMSC, 1);
	out(LR, 1000);
	out(MR, 1010);
	ck_assert_int_eq(alarm_at, START + 10);
	out(LR, 1007);
	ck_assert_int_eq(alarm_at, START + 3);
	out(MR, 1006); /* that was a second ago: once more in 2^32 - 1 seconds */
	ck_assert_int_eq(alarm_at, START + (time_t)UINT32_MAX);
	out(MR, 1020);
	host.tv_sec += 100; /* the host's clock jumps over it */
	rtc_alarm(&fx.m);
	ck_assert(fx.line[IRQ]);
	out(ICR, 1);
	out(LR, 1020); /* the clock is set to the very second */
	ck_assert(fx.line[IRQ]);
}
END_TEST

START_TEST(alarm_that_is_replaced)
{
	out(IMSC, 1);
	out(MR, START + 5);
	out(MR, START + 50);
	ck_assert_int_eq(alarm_at, START + 50);
	host.tv_sec += 5;
	alarm_at = 0;
	rtc_alarm(&fx.m); /* the first one's */
	ck_assert(!fx.line[IRQ]);
	ck_assert_int_eq(alarm_at, START + 50); /* asked for again */
}
END_TEST

START_TEST(host_clock_without_alarm)
{
	const struct rtc_config cfg = {0};
	uint32_t now;

	machine_fini(&fx.m);
	fixture_init_arm64(&fx);
	rtc_alarm(&fx.m); /* no clock: nothing */
	ck_assert_int_eq(pl031_create(&fx.m, &cfg), 0);
	now = (uint32_t)time(NULL);
	ck_assert_uint_le(in(DR)-now, 5);
	out(MR, now + 1000);
	ck_assert_uint_eq(in(RIS), 0);
	ck_assert_int_eq(pl031_create(&fx.m, &cfg), -EEXIST);
}
END_TEST

START_TEST(other_widths)
{
	ck_assert_uint_eq(fixture_load(&fx, BASE + DR, 8), START);
	ck_assert_uint_eq(fixture_load(&fx, BASE + DR, 2), START & 0xFFFF);
	ck_assert_uint_eq(fixture_load(&fx, BASE + DR + 1, 1), 0);
	fixture_store(&fx, BASE + MR, 8, (uint64_t)2000 << 32 | 3000);
	ck_assert_uint_eq(in(MR), 3000);
	ck_assert_uint_eq(in(LR), 2000);
	ck_assert_uint_eq(in(DR), 2000);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/pl031");
	TCase *tc = tcase_create("pl031");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, reset_state);
	tcase_add_test(tc, clock_runs_and_is_set);
	tcase_add_test(tc, alarm_comes);
	tcase_add_test(tc, mask);
	tcase_add_test(tc, alarm_follows_the_clock);
	tcase_add_test(tc, alarm_that_is_replaced);
	tcase_add_test(tc, host_clock_without_alarm);
	tcase_add_test(tc, other_widths);
	suite_add_tcase(s, tc);
	return s;
}
