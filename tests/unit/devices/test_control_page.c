/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/control_page.h"
#include "devices/power_button.h"
#include "include/bulkhead/control.h"
#include "include/bulkhead/hypercall.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>

/* How the registers are reached. */
enum { BY_PAGE, BY_PORT, BY_ARM64_PAGE, WAYS };

static struct fixture fx;
static gpa_t base;
static _Atomic uint64_t beats, last_beat_ns;
static _Atomic uint32_t locked, stop_request, stop_reply;

static void create(enum guest_arch arch)
{
	const struct control_page_config cfg = {.watchdog_us = 200000,
		.beats = &beats,
		.last_beat_ns = &last_beat_ns,
		.locked = &locked,
		.stop_request = &stop_request,
		.stop_reply = &stop_reply};

	beats = last_beat_ns = 0;
	locked = stop_request = stop_reply = 0;
	if (arch == GUEST_ARM64)
		fixture_init_arm64(&fx);
	else
		fixture_init(&fx, MACHINE_RAM_MIN);
	base = arch == GUEST_ARM64 ? BULKHEAD_CONTROL_ADDRESS_ARM64 : BULKHEAD_CONTROL_ADDRESS_X86;
	ck_assert_int_eq(control_page_create(&fx.m, &cfg), 0);
}

static void setup(void)
{
	create(GUEST_X86_64);
}

/* The machine that WAY is of. */
static void recreate(int way)
{
	machine_fini(&fx.m);
	create(way == BY_ARM64_PAGE ? GUEST_ARM64 : GUEST_X86_64);
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

static uint64_t page_read(uint64_t offset, unsigned size)
{
	return fixture_load(&fx, base + offset, size);
}

static void page_write(uint64_t offset, unsigned size, uint64_t value)
{
	fixture_store(&fx, base + offset, size, value);
}

static uint32_t reg_read(int way, uint64_t offset)
{
	return way == BY_PORT
		       ? (uint32_t)fixture_in(&fx, (uint16_t)(BULKHEAD_CONTROL_PORT + offset), 4)
		       : (uint32_t)page_read(offset, 4);
}

static void reg_write(int way, uint64_t offset, uint32_t value)
{
	if (way == BY_PORT)
		fixture_out(&fx, (uint16_t)(BULKHEAD_CONTROL_PORT + offset), 4, value);
	else
		page_write(offset, 4, value);
}

START_TEST(registers)
{
	recreate(_i);
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

	recreate(_i);
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
	recreate(_i);
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
	recreate(_i);
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
	recreate(_i);
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
		{0x18, 8}, {0x16, 4}, {0x28, 1}, {0x28, 8}, {0x2C, 4}, {0xFFC, 4}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		page_write(cases[i].offset, cases[i].size, 1);
		ck_assert_uint_eq(page_read(cases[i].offset, cases[i].size), 0);
	}
	ck_assert_uint_eq(beats, 0);
	ck_assert_uint_eq(locked, 0);
	ck_assert_uint_eq(fx.ends, 0);
	ck_assert_uint_eq(fx.logs, 0);
}
END_TEST

START_TEST(logs)
{
	static const char text[] = "engine 2: \xC2\xB0 \n\033[2J";
	gpa_t at = _i == BY_ARM64_PAGE ? ARM64_RAM_BASE + 100 : 100;

	recreate(_i);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_LOG_SIZE), BULKHEAD_LOG_MAX);
	memcpy(fx.low + 100, text, sizeof(text));
	reg_write(_i, BULKHEAD_CONTROL_LOG_ADDRESS, (uint32_t)at);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_LOG_ADDRESS), at);
	reg_write(_i, BULKHEAD_CONTROL_LOG_SIZE, sizeof(text) - 1);
	ck_assert_uint_eq(fx.logs, 1);
	ck_assert_str_eq(fx.log, text); /* as it is: who shows it makes it safe */
	reg_write(_i, BULKHEAD_CONTROL_LOG_SIZE, 1);
	ck_assert_str_eq(fx.log, "e");
	reg_write(_i, BULKHEAD_CONTROL_LOG_SIZE, BULKHEAD_LOG_MAX);
	ck_assert_uint_eq(fx.logs, 3);
	/* Too much, nothing, and what is not memory. */
	reg_write(_i, BULKHEAD_CONTROL_LOG_SIZE, BULKHEAD_LOG_MAX + 1);
	reg_write(_i, BULKHEAD_CONTROL_LOG_SIZE, UINT32_MAX);
	reg_write(_i, BULKHEAD_CONTROL_LOG_SIZE, 0);
	reg_write(_i, BULKHEAD_CONTROL_LOG_ADDRESS, (uint32_t)at - 100 + 4096 - 4);
	reg_write(_i, BULKHEAD_CONTROL_LOG_SIZE, 5);
	ck_assert_uint_eq(fx.logs, 3);
	reg_write(_i, BULKHEAD_CONTROL_LOG_SIZE, 4);
	ck_assert_uint_eq(fx.logs, 4);
	reg_write(_i, BULKHEAD_CONTROL_LOG_ADDRESS_HIGH, 1);
	ck_assert_uint_eq(reg_read(_i, BULKHEAD_CONTROL_LOG_ADDRESS_HIGH), 1);
	reg_write(_i, BULKHEAD_CONTROL_LOG_SIZE, 4);
	ck_assert_uint_eq(fx.logs, 4);
	reg_write(_i, BULKHEAD_CONTROL_LOG_ADDRESS, UINT32_MAX);
	reg_write(_i, BULKHEAD_CONTROL_LOG_ADDRESS_HIGH, UINT32_MAX);
	reg_write(_i, BULKHEAD_CONTROL_LOG_SIZE, 4);
	ck_assert_uint_eq(fx.logs, 4);
	/* Nobody takes it. */
	fx.m.services.log = NULL;
	reg_write(_i, BULKHEAD_CONTROL_LOG_ADDRESS, (uint32_t)at);
	reg_write(_i, BULKHEAD_CONTROL_LOG_ADDRESS_HIGH, 0);
	reg_write(_i, BULKHEAD_CONTROL_LOG_SIZE, 4);
}
END_TEST

/* ---- hypercalls ---- */

/* W0 of the answer; all four in RESULTS. */
static uint32_t call(unsigned function, uint64_t x1, uint64_t x2, uint64_t results[4])
{
	const uint64_t args[MACHINE_CALL_ARGS] = {x1, x2};

	memset(results, 0xEE, 4 * sizeof(*results));
	ck_assert(machine_call(&fx.m, (uint16_t)(BULKHEAD_CALL64 + function), args, results));
	return (uint32_t)results[0];
}

#define INVALID ((uint32_t)BULKHEAD_CALL_INVALID_PARAMETERS)

START_TEST(calls)
{
	uint64_t r[4], before = monotonic_ns();

	recreate(BY_ARM64_PAGE);
	ck_assert_uint_eq(call(BULKHEAD_CALL_ID, 0, 0, r), BULKHEAD_CONTROL_MAGIC);
	ck_assert_uint_eq(r[1], BULKHEAD_CALL_VERSION);
	ck_assert_uint_eq(r[2] | r[3], 0);
	ck_assert_uint_eq(call(BULKHEAD_CALL_HEARTBEAT, 7, 7, r), 0);
	ck_assert_uint_eq(beats, 1);
	ck_assert_uint_ge(last_beat_ns, before);
	ck_assert_uint_eq(call(BULKHEAD_CALL_STATUS, 0, 0, r), 0);
	ck_assert_uint_eq(r[1], 200000);
	ck_assert_uint_eq(r[2], BULKHEAD_STOP_NONE);
	ck_assert_uint_eq(r[3], 0);
	stop_request = BULKHEAD_STOP_REQUESTED;
	ck_assert_uint_eq(call(BULKHEAD_CALL_LOCK, 1, 0, r), 0);
	ck_assert_uint_eq(locked, 1);
	ck_assert_uint_eq(call(BULKHEAD_CALL_STATUS, 0, 0, r), 0);
	ck_assert_uint_eq(r[2], BULKHEAD_STOP_REQUESTED);
	ck_assert_uint_eq(r[3], 1);
	ck_assert_uint_eq(call(BULKHEAD_CALL_LOCK, 2, 0, r), INVALID);
	ck_assert_uint_eq(locked, 1);
	ck_assert_uint_eq(call(BULKHEAD_CALL_LOCK, 0xFFFFFFFF00000000, 0, r), 0); /* W1 */
	ck_assert_uint_eq(locked, 0);
	ck_assert_uint_eq(call(BULKHEAD_CALL_STOP_REPLY, 0, 0, r), INVALID);
	ck_assert_uint_eq(call(BULKHEAD_CALL_STOP_REPLY, 3, 0, r), INVALID);
	ck_assert_uint_eq(stop_reply, 0);
	ck_assert_uint_eq(call(BULKHEAD_CALL_STOP_REPLY, BULKHEAD_STOP_VETO, 0, r), 0);
	ck_assert_uint_eq(stop_reply, BULKHEAD_STOP_VETO);
	ck_assert_uint_eq(fx.ends, 0);
	ck_assert_uint_eq(call(BULKHEAD_CALL_EXIT, 0x12345678, 0, r), 0);
	ck_assert_int_eq(fx.kind, END_EXIT_CODE);
	ck_assert_uint_eq(fx.code, 0x12345678);
	ck_assert_str_eq(fx.how, "hypercall");
}
END_TEST

START_TEST(log_call)
{
	uint64_t r[4];

	recreate(BY_ARM64_PAGE);
	memcpy(fx.low, "hello", 5);
	ck_assert_uint_eq(call(BULKHEAD_CALL_LOG, ARM64_RAM_BASE, 5, r), 0);
	ck_assert_str_eq(fx.log, "hello");
	ck_assert_uint_eq(call(BULKHEAD_CALL_LOG, ARM64_RAM_BASE, 0, r), INVALID);
	ck_assert_uint_eq(
		call(BULKHEAD_CALL_LOG, ARM64_RAM_BASE, BULKHEAD_LOG_MAX + 1, r), INVALID);
	ck_assert_uint_eq(call(BULKHEAD_CALL_LOG, ARM64_RAM_BASE, UINT64_MAX, r), INVALID);
	ck_assert_uint_eq(call(BULKHEAD_CALL_LOG, 0, 5, r), INVALID);
	ck_assert_uint_eq(call(BULKHEAD_CALL_LOG, ARM64_RAM_BASE + 4092, 5, r), INVALID);
	ck_assert_uint_eq(call(BULKHEAD_CALL_LOG, UINT64_MAX - 3, 5, r), INVALID);
	ck_assert_uint_eq(fx.logs, 1);
}
END_TEST

START_TEST(unknown_calls)
{
	const uint64_t args[MACHINE_CALL_ARGS] = {0};
	uint64_t r[4];

	recreate(BY_ARM64_PAGE);
	for (unsigned f = BULKHEAD_CALL_LOCK + 1; f < BULKHEAD_CALL_FUNCTIONS; f++) {
		ck_assert_uint_eq(call(f, 1, 1, r), UINT32_MAX);
		ck_assert_uint_eq(r[1] | r[2] | r[3], 0);
	}
	ck_assert(!machine_call(&fx.m, 0xB100, args, r));
	ck_assert(!machine_call(&fx.m, 0xAFFF, args, r));
	recreate(BY_PAGE);
	ck_assert(!machine_call(&fx.m, 0xB000, args, r)); /* x86 has ports */
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
	ck_assert_int_eq(power_button_create(&fx.m), 0);
	ck_assert(power_button_press(&fx.m));
	ck_assert(power_button_press(&fx.m));
	ck_assert_uint_eq(fx.edges[X86_IRQ_POWER_BUTTON], 2);
	ck_assert(!fx.line[X86_IRQ_POWER_BUTTON]);
	ck_assert(power_button_release(&fx.m));
	ck_assert_uint_eq(fx.edges[X86_IRQ_POWER_BUTTON], 2);
	ck_assert_int_eq(power_button_create(&fx.m), -EEXIST);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/control_page");
	TCase *tc = tcase_create("control_page");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, registers, 0, WAYS);
	tcase_add_loop_test(tc, heartbeat, 0, WAYS);
	tcase_add_loop_test(tc, stop_and_veto, 0, WAYS);
	tcase_add_loop_test(tc, lock, 0, WAYS);
	tcase_add_loop_test(tc, exit_code, 0, WAYS);
	tcase_add_test(tc, other_accesses_do_nothing);
	tcase_add_loop_test(tc, logs, 0, WAYS);
	tcase_add_test(tc, calls);
	tcase_add_test(tc, log_call);
	tcase_add_test(tc, unknown_calls);
	tcase_add_test(tc, storage_of_its_own);
	tcase_add_test(tc, power_button);
	suite_add_tcase(s, tc);
	return s;
}
