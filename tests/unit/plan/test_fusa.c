/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans with contract: fusa: what they may say. */
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <string.h>

#define VM0 "  vm0: {role: safety, contract: fusa, memory: 512M, image: a"
#define VM1 "  vm1: {contract: fusa, memory: 1G, image: b"

START_TEST(reference)
{
	struct plan *plan =
		unit_plan("bsp: builtin\npartitions:\n" VM0 ", cpus: [0]}\n" VM1
			  ", cpus: 1-3, cmdline: x, debug: true, serial: [null, console]}\n");

	ck_assert_int_eq(plan->partitions[0].contract, PLAN_FUSA);
	ck_assert(!plan->partitions[0].debug && plan->partitions[1].debug);
	/* A serial port is there only if it is asked for. */
	ck_assert_int_eq(plan->partitions[0].serial[0].kind, PLAN_PORT_NONE);
	ck_assert_int_eq(plan->partitions[1].serial[0].kind, PLAN_PORT_NULL);
	ck_assert_int_eq(plan->partitions[1].serial[1].kind, PLAN_PORT_CONSOLE);
	plan_destroy(plan);
}
END_TEST

START_TEST(refused)
{
	static const struct {
		const char *yaml, *message;
	} cases[] = {
		{VM1 ", cpus: [1]}\n  vm2: {contract: fusa, memory: 1G, image: c, cpus: [2]}\n",
			"p.yaml:3:3: partitions.vm2.role: a second non-safety partition (the "
			"first: p.yaml:2:3)"},
		{VM1 ", cpus: [1]}\n  x: {memory: 1G, image: c, cpus: [2]}\n",
			"p.yaml:3:3: partitions.x.contract: standard beside a partition with "
			"contract fusa (p.yaml:2:19)"},
		{VM0 ", cpus: [0, 1]}\n",
			"partitions.vm0.cpus: 2 vCPUs, but the fusa contract drops INIT and SIPI"},
		{VM1 ", cpus: {count: 2, on: [0]}}\n",
			"partitions.vm1.cpus: the fusa contract has one core per vCPU"},
		{"  vm1: {contract: fusa, memory: 2052M, image: b, cpus: [0]}\n",
			"partitions.vm1.memory.size: 2052M, but the fusa contract has one piece of "
			"RAM"},
		{VM0 ", cpus: [0], status_page: {address: 0xD0000000, irq: 10}}\n",
			"partitions.vm0.status_page.irq: the fusa contract has no interrupt lines"},
		{VM0 ", cpus: [0], veto: 1s}\n",
			"partitions.vm0.veto: a veto is given in the control page, which the fusa "
			"contract has only with a watchdog"},
		{VM0 ", cpus: [0], cmdline: x}\n",
			"partitions.vm0.cmdline: the fusa contract gives the safety partition no"},
		{VM1 ", cpus: [0], initrd: i}\n",
			"partitions.vm1.initrd: the fusa contract has no initrd"},
		{VM1 ", cpus: [0], modules: [m]}\n",
			"partitions.vm1.modules: the fusa contract has no modules"},
		{"  vm1: {contract: fusa, memory: 1G, image: {path: b, type: elf}, cpus: [0]}\n",
			"partitions.vm1.image.type: elf, but the fusa contract's non-safety "
			"partition runs a Linux bzImage; leave it out"},
		{"  x: {memory: 1G, image: c, cpus: [2], debug: true}\n",
			"partitions.x.debug: only with contract: fusa"},
	};
	char yaml[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(yaml, sizeof(yaml), "partitions:\n%s", cases[i].yaml);
		unit_plan_refused(yaml, cases[i].message);
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/fusa");
	TCase *t = tcase_create("fusa");

	tcase_add_test(t, reference);
	tcase_add_test(t, refused);
	suite_add_tcase(s, t);
	return s;
}
