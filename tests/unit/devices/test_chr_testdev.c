/* SPDX-License-Identifier: BSD-3-Clause */
/* What ends a partition through a port. */
#include "devices/testdev/chr_testdev.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"

static struct fixture fx;
static struct chardev chr;
static struct chr_testdev testdev;

static void setup(void)
{
	fixture_init(&fx, MACHINE_RAM_MIN);
	chardev_init(&chr, -1);
	testdev = (struct chr_testdev){0};
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

static void say(const char *text)
{
	ck_assert_uint_eq(chardev_write(&chr, (const uint8_t *)text, strlen(text)), strlen(text));
	chr_testdev_pump(&testdev, &chr, &fx.m);
	ck_assert_uint_eq(ring_used(&chr.tx), 0);
}

START_TEST(codes)
{
	static const struct {
		const char *text;
		uint32_t code;
	} rows[] = {{"0q", 0}, {"17q", 17}, {"noise 3 4q", 4}, {"007q", 7},
		{"99999999999q", UINT32_MAX}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		say(rows[i].text);
		ck_assert_uint_eq(fx.ends, i + 1);
		ck_assert_int_eq(fx.kind, END_EXIT_CODE);
		ck_assert_uint_eq(fx.code, rows[i].code);
		ck_assert_str_eq(fx.how, "chr-testdev");
	}
}
END_TEST

START_TEST(in_pieces)
{
	say("1");
	say("2");
	ck_assert_uint_eq(fx.ends, 0);
	say("q");
	ck_assert_uint_eq(fx.code, 12);
}
END_TEST

START_TEST(what_is_none)
{
	say("q");
	say("xq");
	say("5 q");
	say("5\nquit");
	say("-");
	ck_assert_uint_eq(fx.ends, 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/chr_testdev");
	TCase *t = tcase_create("chr_testdev");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, codes);
	tcase_add_test(t, in_pieces);
	tcase_add_test(t, what_is_none);
	suite_add_tcase(s, t);
	return s;
}
