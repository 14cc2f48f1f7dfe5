/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/control_page.h"
#include "devices/power_button.h"
#include "include/bulkhead/control.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct fixture fx;
static _Atomic uint64_t beats, last_beat_ns;
static _Atomic uint32_t locked, stop_request, stop_reply;

static void setup(void)
{
	const struct control_page_config cfg = {.watchdog_us = 200000,
		.beats = &beats,
		.last_beat_ns = &last_beat_ns,
		.locked = &locked,
		.stop_request = &stop_request,
		.stop_reply = &stop_reply};

	beats = last_beat_ns = 0;
	locked = stop_request = stop_reply = 0;
	fixture_init(&fx, MACHINE_RAM_MIN);
	ck_assert_int_eq(control_page_create(&fx.m, &cfg), 0);
	ck_assert_int_eq(power_button_create(&fx.m), 0);
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

static uint64_t page_read(uint64_t offset, unsigned size)
{
	uint64_t value;

	ck_assert(
		machine_read(&fx.m, WINDOW_MMIO, BULKHEAD_CONTROL_ADDRESS + offset, size, &value));
	return value;
}

static void page_write(uint64_t offset, unsigned size, uint64_t value)
{
	ck_assert(
		machine_write(&fx.m, WINDOW_MMIO, BULKHEAD_CONTROL_ADDRESS + offset, size, value));
}

/* _i: 0 by MMIO, 1 by port. */
static uint32_t reg_read(int by_port, uint64_t offset)
{
	return by_port ? (uint32_t)fixture_in(&fx, (uint16_t)(BULKHEAD_CONTROL_PORT + offset), 4)
		       : (uint32_t)page_read(offset, 4);
}

static void reg_write(int by_port, uint64_t offset, uint32_t value)
{
	if (by_port)
		fixture_out(&fx, (uint16_t)(BULKHEAD_CONTROL_PORT + offset), 4, value);
	else
		page_write(offset, 4, value);
}

START_TEST(registers)
{
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_ID), BULKHEAD_CONTROL_MAGIC);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_ABI), BULKHEAD_CONTROL_VERSION);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_WATCHDOG), 200000);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_STOP), BULKHEAD_STOP_NONE);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_LOCK), 0);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_EXIT), 0);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_RESERVED), 0);
	/* Those that are read-only stay as they are. */
	reg_write(_i, BULKHEAD_CONTROL_ID, 0);
	reg_write(_i, BULKHEAD_CONTROL_ABI, 0);
	reg_write(_i, BULKHEAD_CONTROL_WATCHDOG, 0);
	reg_write(_i, BULKHEAD_CONTROL_RESERVED, 1);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_ID), BULKHEAD_CONTROL_MAGIC);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_WATCHDOG), 200000);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_RESERVED), 0);
	ck_assert_uint_eq(fx.ends, 0);
}
END_TEST

START_TEST(heartbeat)
{
	uint64_t before = monotonic_ns();

	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_HEARTBEAT), 0);
	reg_write(_i, BULKHEAD_CONTROL_HEARTBEAT, 0);
	reg_write(_i, BULKHEAD_CONTROL_HEARTBEAT, 0xFFFFFFFF);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_HEARTBEAT), 2);
	ck_assert_uint_eq(beats, 2);
	ck_assert_uint_ge(last_beat_ns, before);
	ck_assert_uint_le(last_beat_ns, monotonic_ns());
	beats = 0x1FFFFFFFF; /* the register is the low half */
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_HEARTBEAT), 0xFFFFFFFF);
}
END_TEST

START_TEST(stop_and_veto)
{
	stop_request = BULKHEAD_STOP_REQUESTED;
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_STOP), BULKHEAD_STOP_REQUESTED);
	reg_write(_i, BULKHEAD_CONTROL_STOP, 3);
	reg_write(_i, BULKHEAD_CONTROL_STOP, 0);
	ck_assert_uint_eq(stop_reply, 0);
	reg_write(_i, BULKHEAD_CONTROL_STOP, BULKHEAD_STOP_VETO);
	ck_assert_uint_eq(stop_reply, BULKHEAD_STOP_VETO);
	reg_write(_i, BULKHEAD_CONTROL_STOP, BULKHEAD_STOP_AGREE);
	ck_assert_uint_eq(stop_reply, BULKHEAD_STOP_AGREE);
	ck_assert_uint_eq(stop_request, BULKHEAD_STOP_REQUESTED);
}
END_TEST

START_TEST(lock)
{
	reg_write(_i, BULKHEAD_CONTROL_LOCK, 2);
	ck_assert_uint_eq(locked, 0);
	reg_write(_i, BULKHEAD_CONTROL_LOCK, 1);
	ck_assert_uint_eq(locked, 1);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_LOCK), 1);
	reg_write(_i, BULKHEAD_CONTROL_LOCK, 0);
	ck_assert_uint_eq(locked, 0);
}
END_TEST

START_TEST(exit_code)
{
	reg_write(_i, BULKHEAD_CONTROL_EXIT, 0x12345678);
	ck_assert_uint_eq(fx.ends, 1);
	ck_assert_int_eq(fx.kind, END_EXIT_CODE);
	ck_assert_uint_eq(fx.code, 0x12345678);
	ck_assert_str_eq(fx.how, "control page");
}
END_TEST

START_TEST(other_accesses_do_nothing)
{
	static const struct {
		uint64_t offset;
		unsigned size;
	} cases[] = {{0, 1}, {0, 2}, {0, 8}, {2, 4}, {8, 1}, {8, 2}, {8, 8}, {9, 4}, {0x18, 1},
		{0x18, 8}, {0x16, 4}, {0x20, 4}, {0xFFC, 4}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		page_write(cases[i].offset, cases[i].size, 1);
		ck_assert_uint_eq(page_read(cases[i].offset, cases[i].size), 0);
	}
	ck_assert_uint_eq(beats, 0);
	ck_assert_uint_eq(locked, 0);
	ck_assert_uint_eq(fx.ends, 0);
}
END_TEST

START_TEST(storage_of_its_own)
{
	machine_fini(&fx.m);
	fixture_init(&fx, MACHINE_RAM_MIN);
	ck_assert_int_eq(control_page_create(&fx.m, &(struct control_page_config){0}), 0);
	ck_assert_uint_eq(page_read(BULKHEAD_CONTROL_WATCHDOG, 4), 0);
	page_write(BULKHEAD_CONTROL_HEARTBEAT, 4, 0);
	page_write(BULKHEAD_CONTROL_LOCK, 4, 1);
	ck_assert_uint_eq(page_read(BULKHEAD_CONTROL_HEARTBEAT, 4), 1);
	ck_assert_uint_eq(page_read(BULKHEAD_CONTROL_LOCK, 4), 1);
	ck_assert(!power_button_press(&fx.m));
}
END_TEST

START_TEST(power_button)
{
	ck_assert(power_button_press(&fx.m));
	ck_assert(power_button_press(&fx.m));
	ck_assert_uint_eq(fx.edges[X86_IRQ_POWER_BUTTON], 2);
	ck_assert(!fx.line[X86_IRQ_POWER_BUTTON]);
	ck_assert_int_eq(power_button_create(&fx.m), -EEXIST);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/control_page");
	TCase *tc = tcase_create("control_page");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, registers, 0, 2);
	tcase_add_loop_test(tc, heartbeat, 0, 2);
	tcase_add_loop_test(tc, stop_and_veto, 0, 2);
	tcase_add_loop_test(tc, lock, 0, 2);
	tcase_add_loop_test(tc, exit_code, 0, 2);
	tcase_add_test(tc, other_accesses_do_nothing);
	tcase_add_test(tc, storage_of_its_own);
	tcase_add_test(tc, power_button);
	suite_add_tcase(s, tc);
	return s;
}
