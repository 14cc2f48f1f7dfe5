/* SPDX-License-Identifier: BSD-3-Clause */
/* A real-time clock's alarm, from the guest's register to its interrupt. */
#include "partition/alarm.h"

#include "devices/pl031.h"
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "vmm/layout_arm64.h"

#define MATCH  0x04 /* registers of the PL031 */
#define ENABLE 0x10
#define CLEAR  0x1C
#define SECOND 1000000000

static struct machine machine;
static struct loop *loop;
static struct alarm timer;
static unsigned rises;

static void irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	ck_assert_ptr_eq(ctx, &machine);
	ck_assert_uint_eq(gsi, ARM64_SPI_RTC);
	rises += asserted;
	if (asserted)
		loop_stop(loop);
}

static void setup(void)
{
	const struct rtc_config cfg = {.alarm = alarm_set, .ctx = &timer};

	rises = 0;
	ck_assert_int_eq(loop_create(&loop), 0);
	ck_assert_int_eq(machine_init(&machine, GUEST_ARM64, MACHINE_RAM_MIN, 1), 0);
	machine.services = (struct machine_services){.ctx = &machine, .irq_set = irq_set};
	ck_assert_int_eq(alarm_init(&timer, loop, &machine), 0);
	ck_assert_int_eq(pl031_create(&machine, &cfg), 0);
}

static void teardown(void)
{
	loop_unwatch(loop, &timer.watch);
	fd_close(&timer.watch.fd);
	loop_destroy(loop);
	machine_fini(&machine);
}

static void reg_write(unsigned reg, uint32_t value)
{
	ck_assert(machine_write(&machine, WINDOW_MMIO, ARM64_RTC_BASE + reg, 4, value));
}

START_TEST(comes_in_its_second)
{
	struct timespec now;
	time_t at = time(NULL) + 1;

	reg_write(ENABLE, 1);
	reg_write(MATCH, (uint32_t)at);
	unit_run_loop(loop, 10ull * SECOND);
	ck_assert_uint_eq(rises, 1);
	clock_gettime(CLOCK_REALTIME, &now);
	ck_assert_int_ge(now.tv_sec, at);
	/* And not again. */
	reg_write(CLEAR, 1);
	unit_run_loop(loop, SECOND / 10);
	ck_assert_uint_eq(rises, 1);
}
END_TEST

START_TEST(is_replaced)
{
	reg_write(ENABLE, 1);
	reg_write(MATCH, (uint32_t)time(NULL) + 1);
	reg_write(MATCH, (uint32_t)time(NULL) + 1000);
	unit_run_loop(loop, SECOND + SECOND / 5);
	ck_assert_uint_eq(rises, 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("partition/alarm");
	TCase *t = tcase_create("alarm");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, comes_in_its_second);
	tcase_add_test(t, is_replaced);
	suite_add_tcase(s, t);
	return s;
}
