/* SPDX-License-Identifier: BSD-3-Clause */
/* The key machine: its types, its parts, and where they cannot be. */
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define PLAN(arch, machine)                                                                        \
	"arch: " arch "\npartitions:\n  a: {cpus: [1], memory: 64M, image: v, machine: " machine   \
	"}\n"
#define ALL (((1u << PLAN_PART_COUNT) - 1) & ~(1u << PLAN_PART_CHR_TESTDEV))

/* The parts that the machine has, a bit each, also after a way as bytes. */
static unsigned parts(const char *yaml)
{
	struct plan_partition *copy;
	struct plan *plan;
	unsigned has = 0;

	plan = unit_plan(yaml);
	for (unsigned i = 0; i < PLAN_PART_COUNT; i++)
		has |= (unsigned)plan_machine_has(&plan->partitions[0], i) << i;
	copy = unit_plan_sent(&plan->partitions[0]);
	ck_assert_int_eq(copy->machine.type, plan->partitions[0].machine.type);
	for (unsigned i = 0; i < PLAN_PART_COUNT; i++)
		ck_assert_int_eq(plan_machine_has(copy, i), has >> i & 1);
	plan_partition_destroy(copy);
	plan_destroy(plan);
	return has;
}

START_TEST(types)
{
	ck_assert_uint_eq(
		parts("arch: x86-64\npartitions:\n  a: {cpus: [1], memory: 64M, image: v}\n"), 0);
	ck_assert_uint_eq(parts(PLAN("x86-64", "standard")), 0);
	ck_assert_uint_eq(parts(PLAN("x86-64", "testdev")), ALL);
	ck_assert_uint_eq(parts(PLAN("x86-64", "{type: testdev}")), ALL);
	ck_assert_uint_eq(parts(PLAN("arm64", "testdev")),
		1u << PLAN_PART_PVPANIC | 1u << PLAN_PART_FW_CFG | 1u << PLAN_PART_CHR_TESTDEV);
}
END_TEST

START_TEST(one_by_one)
{
	ck_assert_uint_eq(parts(PLAN("x86-64", "{hpet: on}")), 1u << PLAN_PART_HPET);
	ck_assert_uint_eq(parts(PLAN("x86-64", "{pvpanic: on, mp_table: on}")),
		1u << PLAN_PART_PVPANIC | 1u << PLAN_PART_MP_TABLE);
	ck_assert_uint_eq(parts(PLAN("x86-64", "{type: testdev, fw_cfg: off, test_ports: off}")),
		ALL & ~(1u << PLAN_PART_FW_CFG | 1u << PLAN_PART_TEST_PORTS));
	ck_assert_uint_eq(parts(PLAN("x86-64", "{debug_port: on, bios_pic: on}")),
		1u << PLAN_PART_DEBUG_PORT | 1u << PLAN_PART_BIOS_PIC);
	ck_assert_uint_eq(parts(PLAN("arm64", "{fw_cfg: on, hpet: auto, mp_table: off}")),
		1u << PLAN_PART_FW_CFG);
}
END_TEST

START_TEST(wrong)
{
	unit_plan_refused(PLAN("x86-64", "q35"),
		"partitions.a.machine: unknown value \"q35\"; use standard or testdev");
	unit_plan_refused(
		PLAN("x86-64", "{hpets: on}"), "machine.hpets: unknown key; did you mean hpet?");
	unit_plan_refused(PLAN("arm64", "{hpet: on}"),
		"partitions.a.machine.hpet: machines of arm64 have no such part, and the plan is for "
		"it; leave it out");
	unit_plan_refused(PLAN("x86-64", "{chr_testdev: on}"),
		"partitions.a.machine.chr_testdev: machines of x86-64 have no such part");
	unit_plan_refused(
		"arch: x86-64\npartitions:\n  a: {cpus: [1], memory: 64M, image: v, contract: fusa, "
		"role: safety, machine: {pvpanic: on}}\n",
		"partitions.a.machine: the fusa contract has none of these parts");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/machine");
	TCase *t = tcase_create("machine");

	tcase_add_test(t, types);
	tcase_add_test(t, one_by_one);
	tcase_add_test(t, wrong);
	suite_add_tcase(s, t);
	return s;
}
