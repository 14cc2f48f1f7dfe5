/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/cmos_rtc.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"

#define START 1709210096 /* 2024-02-29 12:34:56 UTC, a Thursday */

static struct fixture fx;
static struct timespec now;

static void test_now(void *ctx, struct timespec *ret_now)
{
	ck_assert_ptr_eq(ctx, &now);
	*ret_now = now;
}

static void create(uint64_t ram_size)
{
	const struct rtc_config cfg = {.now = test_now, .ctx = &now};

	now = (struct timespec){.tv_sec = START};
	fixture_init(&fx, ram_size);
	ck_assert_int_eq(cmos_rtc_create(&fx.m, &cfg), 0);
}

static void setup(void)
{
	create(MACHINE_RAM_MIN);
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

static uint8_t cmos(uint8_t reg)
{
	outb(&fx, 0x70, reg);
	return inb(&fx, 0x71);
}

static void cmos_set(uint8_t reg, uint8_t value)
{
	outb(&fx, 0x70, reg);
	outb(&fx, 0x71, value);
}

/* Century, year, month, day, hour, minute, second and day of week, as the registers have them. */
static void expect_time(const uint8_t expected[8])
{
	static const uint8_t regs[8] = {0x32, 9, 8, 7, 4, 2, 0, 6};

	for (unsigned i = 0; i < 8; i++)
		ck_assert_msg(cmos(regs[i]) == expected[i], "register %#x: %#x, not %#x", regs[i],
			cmos(regs[i]), expected[i]);
}

#define EXPECT_TIME(...) expect_time((const uint8_t[8]){__VA_ARGS__})

START_TEST(tells_the_time)
{
	EXPECT_TIME(0x20, 0x24, 0x02, 0x29, 0x12, 0x34, 0x56, 5);
	now.tv_sec += 12 * 3600;
	EXPECT_TIME(0x20, 0x24, 0x03, 0x01, 0x00, 0x34, 0x56, 6);
}
END_TEST

START_TEST(formats)
{
	cmos_set(0x0B, 0x06); /* binary, 24 h */
	EXPECT_TIME(20, 24, 2, 29, 12, 34, 56, 5);
	cmos_set(0x0B, 0x04); /* binary, 12 h */
	EXPECT_TIME(20, 24, 2, 29, 0x80 | 12, 34, 56, 5);
	cmos_set(0x0B, 0x00); /* BCD, 12 h */
	EXPECT_TIME(0x20, 0x24, 0x02, 0x29, 0x92, 0x34, 0x56, 5);
	now.tv_sec += 11 * 3600;
	ck_assert_uint_eq(cmos(4), 0x91); /* 11 pm */
	now.tv_sec += 3600;
	ck_assert_uint_eq(cmos(4), 0x12); /* 12 am */
	now.tv_sec += 3600;
	ck_assert_uint_eq(cmos(4), 0x01);
}
END_TEST

START_TEST(status_registers)
{
	ck_assert_uint_eq(cmos(0x0A), 0x26);
	ck_assert_uint_eq(cmos(0x0B), 0x02);
	ck_assert_uint_eq(cmos(0x0C), 0x00);
	ck_assert_uint_eq(cmos(0x0D), 0x80);
	cmos_set(0x0C, 0xFF);
	cmos_set(0x0D, 0x00);
	ck_assert_uint_eq(cmos(0x0C), 0x00);
	ck_assert_uint_eq(cmos(0x0D), 0x80);
	cmos_set(0x0A, 0xA6); /* UIP cannot be written */
	ck_assert_uint_eq(cmos(0x0A), 0x26);
	ck_assert_uint_eq(inb(&fx, 0x70), 0xFF);
}
END_TEST

START_TEST(update_in_progress)
{
	now.tv_nsec = 999755999;
	ck_assert_uint_eq(cmos(0x0A), 0x26);
	now.tv_nsec = 999756000;
	ck_assert_uint_eq(cmos(0x0A), 0xA6);
	ck_assert_uint_eq(cmos(0), 0x56);
	cmos_set(0x0B, 0x82); /* SET: no update, no UIP */
	ck_assert_uint_eq(cmos(0x0A), 0x26);
	cmos_set(0x0B, 0x02);
	now.tv_sec++;
	now.tv_nsec = 0;
	ck_assert_uint_eq(cmos(0x0A), 0x26);
	ck_assert_uint_eq(cmos(0), 0x57);
}
END_TEST

/* As Linux sets the clock: SET, divider reset, registers, then both off again. */
START_TEST(set_as_linux_does)
{
	static const uint8_t values[][2] = {{0x09, 0x99}, {0x08, 0x12}, {0x07, 0x31}, {0x04, 0x23},
		{0x02, 0x59}, {0x00, 0x58}, {0x32, 0x19}};

	cmos_set(0x0B, 0x82);
	cmos_set(0x0A, 0x66);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		cmos_set(values[i][0], values[i][1]);
	now.tv_sec += 100; /* it stands meanwhile */
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		ck_assert_uint_eq(cmos(values[i][0]), values[i][1]);
	cmos_set(0x0B, 0x02);
	now.tv_sec += 100;
	ck_assert_uint_eq(cmos(0), 0x58);
	cmos_set(0x0A, 0x26);
	EXPECT_TIME(0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x58, 6);
	now.tv_nsec = 499999999; /* the first update comes after half a second */
	ck_assert_uint_eq(cmos(0), 0x58);
	now.tv_nsec = 500000000;
	ck_assert_uint_eq(cmos(0), 0x59);
	now.tv_sec++;
	EXPECT_TIME(0x20, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 7);
}
END_TEST

START_TEST(set_keeps_the_fraction)
{
	now.tv_nsec = 700000000;
	cmos_set(0x0B, 0x82);
	now.tv_nsec = 900000000;
	cmos_set(0x00, 0x10);
	cmos_set(0x0B, 0x02);
	ck_assert_uint_eq(cmos(0), 0x10);
	now.tv_sec++;
	now.tv_nsec = 0;
	ck_assert_uint_eq(cmos(0), 0x11);
}
END_TEST

START_TEST(set_while_running)
{
	cmos_set(0x04, 0x20);
	EXPECT_TIME(0x20, 0x24, 0x02, 0x29, 0x20, 0x34, 0x56, 5);
	now.tv_sec += 4;
	EXPECT_TIME(0x20, 0x24, 0x02, 0x29, 0x20, 0x35, 0x00, 5);
}
END_TEST

/* Nothing a guest leaves in the registers may upset us. */
START_TEST(nonsense_times)
{
	static const uint8_t time_regs[] = {0, 2, 4, 6, 7, 8, 9, 0x32};

	for (unsigned mode = 0; mode < 8; mode += 2) {
		for (unsigned v = 0; v < 256; v++) {
			cmos_set(0x0B, (uint8_t)(0x80 | mode));
			for (size_t i = 0; i < ARRAY_SIZE(time_regs); i++)
				cmos_set(time_regs[i], (uint8_t)v);
			cmos_set(0x0B, (uint8_t)mode);
			for (size_t i = 0; i < ARRAY_SIZE(time_regs); i++)
				cmos(time_regs[i]);
			cmos_set(0x08, (uint8_t)v);
		}
	}
	/* 30 February 2024 is 1 March. */
	cmos_set(0x0B, 0x82);
	cmos_set(0x32, 0x20);
	cmos_set(0x09, 0x24);
	cmos_set(0x08, 0x02);
	cmos_set(0x07, 0x30);
	cmos_set(0x04, 0x00);
	cmos_set(0x02, 0x00);
	cmos_set(0x00, 0x00);
	cmos_set(0x0B, 0x02);
	EXPECT_TIME(0x20, 0x24, 0x03, 0x01, 0x00, 0x00, 0x00, 6);
}
END_TEST

START_TEST(nvram)
{
	for (unsigned i = 0x0E; i < 0x80; i++) {
		if (i == 0x32)
			continue;
		cmos_set((uint8_t)i, (uint8_t)~i);
		ck_assert_uint_eq(cmos((uint8_t)i), (uint8_t)~i);
	}
	ck_assert_uint_eq(cmos(0x80 | 0x20), (uint8_t)~0x20); /* bit 7 is the NMI mask */
}
END_TEST

START_TEST(memory_sizes)
{
	static const struct {
		uint64_t ram;
		unsigned ext, above16m, above4g;
	} cases[] = {
		{2 * MIB, 1024, 0, 0},
		{64 * MIB, 63 * 1024, 48 * 16, 0},
		{256 * MIB, 0xFFFF, 240 * 16, 0},
		{3 * GIB, 0xFFFF, (2048 - 16) * 16, 16384},
		{240 * GIB, 0xFFFF, (2048 - 16) * 16, 238 * 16384},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		machine_fini(&fx.m);
		create(cases[i].ram);
		ck_assert_uint_eq(cmos(0x15) | cmos(0x16) << 8, 640);
		ck_assert_uint_eq(cmos(0x17) | cmos(0x18) << 8, cases[i].ext);
		ck_assert_uint_eq(cmos(0x30) | cmos(0x31) << 8, cases[i].ext);
		ck_assert_uint_eq(cmos(0x34) | cmos(0x35) << 8, cases[i].above16m);
		ck_assert_uint_eq(
			cmos(0x5B) | cmos(0x5C) << 8 | cmos(0x5D) << 16, cases[i].above4g);
	}
}
END_TEST

START_TEST(wide_accesses)
{
	uint64_t value;

	fixture_out(&fx, 0x70, 2, 0x4220); /* index 0x20, then data 0x42 */
	ck_assert_uint_eq(fixture_in(&fx, 0x70, 2), 0x42FF);
	ck_assert(!machine_read(&fx.m, WINDOW_PORT, 0x71, 2, &value));
	ck_assert(!machine_write(&fx.m, WINDOW_PORT, 0x70, 4, 0));
}
END_TEST

START_TEST(host_clock)
{
	const struct rtc_config cfg = {0};
	struct fixture f;
	struct tm tm;
	time_t t = time(NULL);

	fixture_init(&f, MACHINE_RAM_MIN);
	ck_assert_int_eq(cmos_rtc_create(&f.m, &cfg), 0);
	outb(&f, 0x70, 0x0B);
	outb(&f, 0x71, 0x06);
	outb(&f, 0x70, 0x09);
	gmtime_r(&t, &tm);
	ck_assert_int_le((inb(&f, 0x71) - tm.tm_year % 100 + 100) % 100, 1);
	machine_fini(&f.m);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/cmos_rtc");
	TCase *t = tcase_create("cmos_rtc");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, tells_the_time);
	tcase_add_test(t, formats);
	tcase_add_test(t, status_registers);
	tcase_add_test(t, update_in_progress);
	tcase_add_test(t, set_as_linux_does);
	tcase_add_test(t, set_keeps_the_fraction);
	tcase_add_test(t, set_while_running);
	tcase_add_test(t, nonsense_times);
	tcase_add_test(t, nvram);
	tcase_add_test(t, memory_sizes);
	tcase_add_test(t, wide_accesses);
	tcase_add_test(t, host_clock);
	suite_add_tcase(s, t);
	return s;
}
