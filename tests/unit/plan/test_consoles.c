/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct plan *load(const char *arch, const char *keys)
{
	char yaml[1024];

	snprintf(yaml, sizeof(yaml),
		"arch: %s\npartitions:\n  a: {cpus: [1], memory: 64M, image: v, %s}\n", arch, keys);
	return unit_plan(yaml);
}

struct expected {
	const char *arch, *keys;
	enum plan_consoles consoles;
	const char *text;
};

#define LACKS " names a device that this partition lacks"

static const struct expected cases[] = {
	{"x86-64", "cmdline: quiet", PLAN_CONSOLES_FINE, ""},
	{"x86-64", "cmdline: console=ttyS0", PLAN_CONSOLES_FINE, ""},
	{"x86-64", "cmdline: 'console=ttyS0,115200n8 quiet'", PLAN_CONSOLES_FINE, ""},
	{"x86-64", "cmdline: 'a=b console=ttyS1,115200'", PLAN_CONSOLES_LACKING,
		"console=ttyS1" LACKS " (it has ttyS0)"},
	{"x86-64", "serial: [console, console], cmdline: console=ttyS1", PLAN_CONSOLES_FINE, ""},
	{"x86-64", "cmdline: console=ttyAMA0", PLAN_CONSOLES_LACKING,
		"console=ttyAMA0" LACKS " (it has ttyS0)"},
	{"x86-64", "cmdline: console=hvc0", PLAN_CONSOLES_LACKING,
		"console=hvc0" LACKS " (it has ttyS0)"},
	{"x86-64", "devices: [console], cmdline: console=hvc0", PLAN_CONSOLES_FINE, ""},
	{"x86-64", "devices: [console], cmdline: console=hvc1", PLAN_CONSOLES_LACKING,
		"console=hvc1" LACKS " (it has ttyS0, hvc0)"},
	{"x86-64", "cmdline: 'console=tty0 console=ttyS0'", PLAN_CONSOLES_SOME,
		"console=tty0" LACKS " (it has ttyS0)"},
	{"x86-64", "cmdline: 'console=tty0'", PLAN_CONSOLES_LACKING,
		"console=tty0" LACKS " (it has ttyS0)"},
	{"x86-64", "cmdline: 'earlycon=ttyS3 console=ttyS0'", PLAN_CONSOLES_SOME,
		"earlycon=ttyS3" LACKS " (it has ttyS0)"},
	/* What is none of Linux's names says nothing. */
	{"x86-64", "cmdline: 'console=com2 earlyprintk=serial,ttyS1'", PLAN_CONSOLES_FINE, ""},
	{"x86-64", "cmdline: 'console=vga console=ttyS5'", PLAN_CONSOLES_SOME,
		"console=ttyS5" LACKS " (it has ttyS0)"},
	{"x86-64", "cmdline: 'xconsole=ttyS5 console= console=ttyS console=ttyS1x'",
		PLAN_CONSOLES_FINE, ""},
	{"x86-64", "cmdline: console=ttyS99999999999", PLAN_CONSOLES_FINE, ""},
	{"x86-64", "serial: [none], cmdline: console=ttyS0", PLAN_CONSOLES_LACKING,
		"console=ttyS0" LACKS},
	{"arm64", "cmdline: console=ttyAMA0", PLAN_CONSOLES_FINE, ""},
	{"arm64", "cmdline: console=ttyAMA1", PLAN_CONSOLES_LACKING,
		"console=ttyAMA1" LACKS " (it has ttyAMA0)"},
	{"arm64", "cmdline: console=ttyS0", PLAN_CONSOLES_LACKING,
		"console=ttyS0" LACKS " (it has ttyAMA0)"},
};

START_TEST(which_are_there)
{
	const struct expected *e = &cases[_i];
	struct plan *plan = load(e->arch, e->keys);
	char text[PLAN_CONSOLES_TEXT_MAX];
	struct diags diags;

	ck_assert_int_eq(plan_consoles(&plan->partitions[0], text), e->consoles);
	ck_assert_str_eq(text, e->text);
	diags_init(&diags);
	plan_check_consoles(plan, &diags);
	ck_assert_uint_eq(diags.count, e->consoles == PLAN_CONSOLES_LACKING);
	ck_assert_uint_eq(diags.errors, 0);
	diags_fini(&diags);
	plan_destroy(plan);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/consoles");
	TCase *tc = tcase_create("consoles");

	tcase_add_loop_test(tc, which_are_there, 0, sizeof(cases) / sizeof(*cases));
	suite_add_tcase(s, tc);
	return s;
}
