/* SPDX-License-Identifier: BSD-3-Clause */
/* What a plan leaves open of an arm64 machine, decided without a host, and how a choice is told. */
#include "lib/util.h"
#include "partition/choice.h"
#include "tests/unit/unit.h"

#include <string.h>

static const struct plan_partition all_open = {.arch = PLAN_ARCH_ARM64};
static const struct plan_partition all_said = {.arch = PLAN_ARCH_ARM64,
	.nested = true,
	.arm64 = {.gic = PLAN_GIC_V2,
		.its = PLAN_WISH_OFF,
		.pmu = PLAN_WISH_OFF,
		.sve = PLAN_WISH_ON,
		.pauth = PLAN_WISH_ON,
		.psci = PLAN_PSCI_0_2}};

START_TEST(without_a_host)
{
	struct machine m;
	struct diags diags;

	diags_init(&diags);
	ck_assert_int_eq(machine_init(&m, GUEST_ARM64, 64 * MIB, 4), 0);
	ck_assert_int_eq(choice_make(&all_open, -1, &m, &diags), 0);
	ck_assert_int_eq(m.arm64.gic, MACHINE_GIC_V3);
	ck_assert_int_eq(m.arm64.its, MACHINE_ON);
	ck_assert_int_eq(m.arm64.sve, MACHINE_OFF);
	ck_assert_uint_ne(m.arm64.psci, 0);
	ck_assert_int_eq(choice_make(&all_said, -1, &m, &diags), 0);
	ck_assert(m.nested);
	ck_assert_int_eq(m.arm64.gic, MACHINE_GIC_V2);
	ck_assert_int_eq(m.arm64.its, MACHINE_OFF);
	ck_assert_int_eq(m.arm64.pmu, MACHINE_OFF);
	ck_assert_int_eq(m.arm64.sve, MACHINE_ON);
	ck_assert_int_eq(m.arm64.pauth, MACHINE_ON);
	ck_assert_uint_eq(m.arm64.psci, 2);
	ck_assert_uint_eq(diags.count, 0);
	diags_fini(&diags);
	machine_fini(&m);
}
END_TEST

START_TEST(in_words)
{
	struct machine m = {.arch = GUEST_ARM64,
		.arm64 = {.gic = MACHINE_GIC_V3,
			.its = MACHINE_ON,
			.pmu = MACHINE_ON,
			.sve = MACHINE_ON,
			.pauth = MACHINE_ON,
			.psci = 1 << 16 | 3}};
	struct plan_partition some = {
		.arch = PLAN_ARCH_ARM64, .arm64 = {.psci = PLAN_PSCI_1_0, .pmu = PLAN_WISH_OFF}};
	char text[CHOICE_TEXT_MAX];

	ck_assert_str_eq(choice_describe(&all_open, &m, text),
		"GICv3 with ITS, PSCI 1.3, PMU, SVE, pointer authentication");
	m.arm64.pmu = m.arm64.sve = m.arm64.pauth = MACHINE_OFF;
	ck_assert_str_eq(choice_describe(&all_open, &m, text),
		"GICv3 with ITS, PSCI 1.3; this host's KVM has no PMU, SVE, pointer "
		"authentication");
	m.arm64.psci = 1 << 16;
	ck_assert_str_eq(choice_describe(&some, &m, text),
		"GICv3 with ITS, PSCI 1.0; this host's KVM has no SVE, pointer authentication; "
		"as the plan says: psci, pmu");
	m.arm64.gic = MACHINE_GIC_V2;
	m.arm64.its = MACHINE_OFF;
	m.arm64.pmu = MACHINE_ON;
	ck_assert_str_eq(choice_describe(&all_open, &m, text),
		"GICv2, PSCI 1.0, PMU; this host's KVM has no GICv3, SVE, pointer authentication");
	ck_assert_int_eq(choice_make(&all_said, -1, &m, NULL), 0);
	ck_assert_str_eq(choice_describe(&all_said, &m, text),
		"GICv2, PSCI 0.2, SVE, pointer authentication, nested; as the plan says: gic, its, "
		"psci, pmu, sve, pauth");
	m.arch = GUEST_X86_64;
	ck_assert_str_eq(choice_describe(&all_said, &m, text), "");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("partition/choice");
	TCase *t = tcase_create("choice");

	tcase_add_test(t, without_a_host);
	tcase_add_test(t, in_words);
	suite_add_tcase(s, t);
	return s;
}
