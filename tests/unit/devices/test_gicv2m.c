/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame that stands in for an ITS. */
#include "devices/gicv2m.h"
#include "devices/registry.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"
#include "vmm/device.h"

#define FRAME 0x08020000

static struct fixture fx;
static unsigned rises, falls;
static uint32_t last;

static void irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	ck_assert_ptr_eq(ctx, &fx);
	last = gsi;
	if (asserted)
		rises++;
	else
		falls++;
}

static void setup(void)
{
	fixture_init_arch(&fx, GUEST_ARM64, MACHINE_RAM_MIN);
	fx.m.services.irq_set = irq_set;
	rises = falls = 0;
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

START_TEST(registers)
{
	ck_assert_int_eq(gicv2m_create(&fx.m), 0);
	ck_assert_uint_eq(fixture_load(&fx, FRAME + 0x008, 4), 80 << 16 | 64);
	ck_assert_uint_eq(fixture_load(&fx, FRAME + 0xFCC, 4), 0x43B);
	ck_assert_uint_eq(fixture_load(&fx, FRAME + 0x040, 4), 0);
	ck_assert_uint_eq(fixture_load(&fx, FRAME + 0xFF8, 8), 0);
}
END_TEST

START_TEST(messages)
{
	static const uint32_t none[] = {0, 31, 32, 79, 144, 0x80000050, UINT32_MAX};

	ck_assert_int_eq(gicv2m_create(&fx.m), 0);
	fixture_store(&fx, FRAME + 0x040, 4, 80);
	ck_assert_uint_eq(last, 48);
	fixture_store(&fx, FRAME + 0x040, 4, 143);
	ck_assert_uint_eq(last, 111);
	ck_assert_uint_eq(rises, 2);
	ck_assert_uint_eq(falls, 2);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		fixture_store(&fx, FRAME + 0x040, 4, none[i]);
	fixture_store(&fx, FRAME + 0x044, 4, 80);
	fixture_store(&fx, FRAME + 0x008, 4, 80);
	ck_assert_uint_eq(rises, 2);
}
END_TEST

/* Only where PCI has no ITS. */
START_TEST(where_it_is)
{
	static const struct {
		bool pci, its, there;
	} cases[] = {{true, false, true}, {true, true, false}, {false, false, false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct devices_config cfg = {.pci = cases[i].pci};

		teardown();
		setup();
		ck_assert_int_eq(gmem_add(&fx.m.gmem, ARM64_RAM_BASE, sizeof(fx.low), fx.low), 0);
		fx.m.arm64.its = cases[i].its ? MACHINE_ON : MACHINE_OFF;
		ck_assert_int_eq(devices_create(&fx.m, &cfg), 0);
		ck_assert(machine_has_v2m(&fx.m) == cases[i].there);
		ck_assert(
			(machine_find_window(&fx.m, WINDOW_MMIO, FRAME) != NULL) == cases[i].there);
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/gicv2m");
	TCase *t = tcase_create("gicv2m");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, registers);
	tcase_add_test(t, messages);
	tcase_add_test(t, where_it_is);
	suite_add_tcase(s, t);
	return s;
}
