/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/pl061.h"
#include "devices/power_button.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"
#include "vmm/device.h"

#include <errno.h>

#define BASE ARM64_GPIO_BASE
#define IRQ  ARM64_SPI_GPIO

/* Registers, as offsets from BASE. */
enum {
	GPIODATA = 0x3FC, /* all pins */
	GPIODIR = 0x400,
	IS = 0x404,
	IBE = 0x408,
	IEV = 0x40C,
	IE = 0x410,
	RIS = 0x414,
	MIS = 0x418,
	IC = 0x41C,
	AFSEL = 0x420,
};

#define BUTTON (1u << ARM64_GPIO_POWER_BUTTON)

static struct fixture fx;

static uint32_t in(unsigned reg)
{
	return (uint32_t)fixture_load(&fx, BASE + reg, 4);
}

static void out(unsigned reg, uint32_t value)
{
	fixture_store(&fx, BASE + reg, 4, value);
}

static void drive(unsigned pin, bool high)
{
	ck_assert(pl061_drive(&fx.m, pin, high));
}

static void setup(void)
{
	fixture_init_arm64(&fx);
	ck_assert_int_eq(pl061_create(&fx.m), 0);
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

START_TEST(reset_state)
{
	static const uint8_t ids[] = {0x61, 0x10, 0x04, 0x00, 0x0D, 0xF0, 0x05, 0xB1};

	for (unsigned reg = 0; reg < 0xFE0; reg += 4)
		ck_assert_uint_eq(in(reg), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert_uint_eq(in(0xFE0 + 4 * i), ids[i]);
	ck_assert_str_eq(fx.m.devices[0]->cls->fdt_compatible, "arm,pl061");
	ck_assert(fx.m.irqs[0].level);
	ck_assert_int_eq(pl061_create(&fx.m), -EEXIST);
}
END_TEST

START_TEST(registers_keep_their_bits)
{
	static const unsigned regs[] = {GPIODIR, IS, IBE, IEV, IE, AFSEL};

	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++) {
		out(regs[i], 0x1A5);
		ck_assert_uint_eq(in(regs[i]), 0xA5);
		out(regs[i], 0);
		ck_assert_uint_eq(in(regs[i]), 0);
	}
	out(RIS, 0xFF);
	out(MIS, 0xFF);
	out(0xFE0, 0);
	ck_assert_uint_eq(in(RIS), 0);
	ck_assert_uint_eq(in(0xFE0), 0x61);
}
END_TEST

/* The address says which pins an access is about; inputs are driven, outputs written. */
START_TEST(masked_data)
{
	drive(0, true);
	drive(6, true);
	ck_assert_uint_eq(in(GPIODATA), 0x41);
	ck_assert_uint_eq(in(0x40 << 2), 0x40);
	ck_assert_uint_eq(in(0x3E << 2), 0);
	out(GPIODIR, 0x0F);
	ck_assert_uint_eq(in(GPIODATA), 0x40); /* pin 0 is an output now, and low */
	out(GPIODATA, 0xFF);
	ck_assert_uint_eq(in(GPIODATA), 0x4F);
	out(0x05 << 2, 0);
	ck_assert_uint_eq(in(GPIODATA), 0x4A);
	out(GPIODIR, 0);
	ck_assert_uint_eq(in(GPIODATA), 0x41);
	drive(0, false);
	ck_assert_uint_eq(in(GPIODATA), 0x40);
	ck_assert_uint_eq(fx.edges[IRQ], 0);
}
END_TEST

START_TEST(edges)
{
	static const struct {
		uint32_t ibe, iev;
		bool rises, falls;
	} cases[] = {
		{0, 0, false, true}, {0, 4, true, false}, {4, 0, true, true}, {4, 4, true, true}};

	out(IE, 0x04);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		out(IBE, cases[i].ibe);
		out(IEV, cases[i].iev);
		ck_assert_uint_eq(in(RIS), 0);
		drive(2, true);
		drive(2, true); /* no change, no edge */
		ck_assert_uint_eq(in(RIS), cases[i].rises ? 4 : 0);
		ck_assert_uint_eq(in(MIS), cases[i].rises ? 4 : 0);
		ck_assert(fx.line[IRQ] == cases[i].rises);
		ck_assert(pl061_pending(&fx.m, 2) == cases[i].rises);
		ck_assert(!pl061_pending(&fx.m, 3));
		out(IC, 0x04);
		ck_assert(!fx.line[IRQ]);
		drive(2, false);
		ck_assert(fx.line[IRQ] == cases[i].falls);
		out(IC, 0xFB); /* others' */
		ck_assert(fx.line[IRQ] == cases[i].falls);
		out(IC, 0x04);
		ck_assert(!fx.line[IRQ]);
	}
}
END_TEST

/* An edge is remembered where it is masked; enabling it then raises the line. */
START_TEST(masked_edge)
{
	out(IEV, 0x80);
	drive(7, true);
	ck_assert_uint_eq(in(RIS), 0x80);
	ck_assert_uint_eq(in(MIS), 0);
	ck_assert(!fx.line[IRQ] && !pl061_pending(&fx.m, 7));
	out(IE, 0x80);
	ck_assert(fx.line[IRQ] && pl061_pending(&fx.m, 7));
	out(IE, 0);
	ck_assert(!fx.line[IRQ]);
}
END_TEST

START_TEST(levels)
{
	out(IS, 0x03);
	out(IEV, 0x01);
	out(IE, 0x01);
	ck_assert_uint_eq(in(RIS), 0x02); /* pin 1 is low, as it wants */
	ck_assert(!fx.line[IRQ]);
	drive(0, true);
	ck_assert(fx.line[IRQ]);
	out(IC, 0xFF); /* a level is not cleared but goes */
	ck_assert(fx.line[IRQ]);
	drive(0, false);
	ck_assert(!fx.line[IRQ]);
	out(IE, 0x02);
	ck_assert(fx.line[IRQ]);
	drive(1, true);
	ck_assert(!fx.line[IRQ]);
	ck_assert_uint_eq(in(RIS), 0);
	out(IS, 0); /* no edge was seen meanwhile */
	ck_assert_uint_eq(in(RIS), 0);
}
END_TEST

/* As Linux' gpio-keys has it: both edges, and a look at the pin some time after each. */
START_TEST(power_button)
{
	out(IBE, BUTTON);
	out(IE, BUTTON);
	for (unsigned i = 1; i <= 2; i++) {
		ck_assert(power_button_press(&fx.m));
		ck_assert(fx.line[IRQ]);
		ck_assert(!power_button_release(&fx.m)); /* the guest has not looked yet */
		ck_assert_uint_eq(in(MIS), BUTTON);
		out(IC, BUTTON);
		ck_assert_uint_eq(in(GPIODATA), BUTTON);
		ck_assert(power_button_release(&fx.m));
		ck_assert_uint_eq(in(GPIODATA), 0);
		ck_assert(fx.line[IRQ]);
		out(IC, BUTTON);
		ck_assert_uint_eq(fx.edges[IRQ], 2 * i);
	}
}
END_TEST

/* A guest that wants no interrupt does not keep the button down. */
START_TEST(power_button_of_no_interest)
{
	ck_assert(power_button_press(&fx.m));
	ck_assert_uint_eq(in(GPIODATA), BUTTON);
	ck_assert(power_button_release(&fx.m));
	ck_assert_uint_eq(in(GPIODATA), 0);
	ck_assert_uint_eq(fx.edges[IRQ], 0);
}
END_TEST

/* A guest that wants an interrupt while the button is pressed does not keep it pressed. */
START_TEST(power_button_by_level)
{
	out(IS, BUTTON);
	out(IEV, BUTTON);
	out(IE, BUTTON);
	ck_assert(power_button_press(&fx.m));
	ck_assert(fx.line[IRQ]);
	ck_assert(power_button_release(&fx.m));
	ck_assert(!fx.line[IRQ]);
	ck_assert_uint_eq(in(GPIODATA), 0);
}
END_TEST

START_TEST(other_widths)
{
	drive(1, true);
	ck_assert_uint_eq(fixture_load(&fx, BASE + GPIODATA, 1), 0x02);
	ck_assert_uint_eq(fixture_load(&fx, BASE + GPIODATA + 1, 1), 0);
	fixture_store(&fx, BASE + GPIODIR, 1, 0x81);
	ck_assert_uint_eq(in(GPIODIR), 0x81);
	fixture_store(&fx, BASE + IS, 8, (uint64_t)0x22 << 32 | 0x11);
	ck_assert_uint_eq(in(IS), 0x11);
	ck_assert_uint_eq(in(IBE), 0x22);
	ck_assert_uint_eq(fixture_load(&fx, BASE + IS, 8), (uint64_t)0x22 << 32 | 0x11);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/pl061");
	TCase *tc = tcase_create("pl061");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, reset_state);
	tcase_add_test(tc, registers_keep_their_bits);
	tcase_add_test(tc, masked_data);
	tcase_add_test(tc, edges);
	tcase_add_test(tc, masked_edge);
	tcase_add_test(tc, levels);
	tcase_add_test(tc, power_button);
	tcase_add_test(tc, power_button_of_no_interest);
	tcase_add_test(tc, power_button_by_level);
	tcase_add_test(tc, other_widths);
	suite_add_tcase(s, tc);
	return s;
}
