/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys that say what follows an error: semantics, BSP, safe state, watchdog, status page. */
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <string.h>

#define RT    "  rt: {role: safety, cpus: [1], memory: 64M, image: rt.elf"
#define LINUX "  linux: {cpus: [2], memory: 64M, image: v"

static void check_bad(const char *yaml, const char *message)
{
	char text[1024] = "";

	ck_assert_ptr_null(unit_load_plan(yaml, text, sizeof(text)));
	ck_assert_str_eq(text, message);
}

START_TEST(presets_fill_in_what_a_partition_does_not_say)
{
	static const struct {
		const char *yaml;
		enum plan_on_violation violation;
		enum plan_on_fatal safety, other;
	} cases[] = {
		{"", PLAN_VIOLATION_IGNORE, PLAN_FATAL_SAFE_STATE, PLAN_FATAL_STOP},
		{"semantics: acrn\n", PLAN_VIOLATION_IGNORE, PLAN_FATAL_SAFE_STATE,
			PLAN_FATAL_STOP},
		{"semantics: jailhouse\n", PLAN_VIOLATION_FATAL, PLAN_FATAL_PARK_VCPU,
			PLAN_FATAL_PARK_VCPU},
		{"semantics: bao\n", PLAN_VIOLATION_FATAL, PLAN_FATAL_SPIN, PLAN_FATAL_SPIN},
		{"semantics: xen\n", PLAN_VIOLATION_INJECT, PLAN_FATAL_SAFE_STATE, PLAN_FATAL_STOP},
	};
	char yaml[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct plan *plan;

		snprintf(yaml, sizeof(yaml), "partitions:\n" RT "}\n" LINUX "}\n%s", cases[i].yaml);
		plan = unit_plan(yaml);
		for (unsigned k = 0; k < 2; k++)
			ck_assert_int_eq(plan->partitions[k].on_violation, cases[i].violation);
		ck_assert_int_eq(plan->partitions[0].on_fatal, cases[i].safety);
		ck_assert_int_eq(plan->partitions[1].on_fatal, cases[i].other);
		plan_destroy(plan);
	}
}
END_TEST

START_TEST(a_partition_s_own_words_win)
{
	struct plan *plan = unit_plan(
		"semantics: bao\npartitions:\n" LINUX ", on_fatal: {action: restart, limit: 7}, "
		"on_violation: inject, on_reset: restart}\n");
	const struct plan_partition *p = &plan->partitions[0];

	ck_assert_int_eq(p->on_fatal, PLAN_FATAL_RESTART);
	ck_assert_uint_eq(p->restart_limit, 7);
	ck_assert_int_eq(p->on_violation, PLAN_VIOLATION_INJECT);
	ck_assert_int_eq(p->on_reset, PLAN_RESET_RESTART);
	plan_destroy(plan);
}
END_TEST

START_TEST(the_bsp_is_there_where_it_may_be_called)
{
	struct plan *plan = unit_plan("partitions:\n" RT "}\n");

	ck_assert_int_eq(plan->bsp.kind, PLAN_BSP_BUILTIN);
	ck_assert_uint_eq(plan->bsp.deadline_ns, 1000000000);
	plan_destroy(plan);
	plan = unit_plan("partitions:\n" LINUX "}\n");
	ck_assert_int_eq(plan->bsp.kind, PLAN_BSP_NONE);
	plan_destroy(plan);
	plan = unit_plan("bsp: {path: b.so, deadline: 5ms, files: [/dev/null, {path: out, access: "
			 "write}]}\npartitions:\n" LINUX "}\n");
	ck_assert_int_eq(plan->bsp.kind, PLAN_BSP_FILE);
	ck_assert_str_eq(plan->bsp.path, "/plans/b.so");
	ck_assert_uint_eq(plan->bsp.deadline_ns, 5000000);
	ck_assert_uint_eq(plan->bsp.file_count, 2);
	ck_assert_int_eq(plan->bsp.files[0].access, PLAN_ACCESS_READ);
	ck_assert_str_eq(plan->bsp.files[1].path, "/plans/out");
	ck_assert_int_eq(plan->bsp.files[1].access, PLAN_ACCESS_WRITE);
	plan_destroy(plan);
	check_bad("bsp: none\npartitions:\n" RT ", on_fatal: safe-state}\n",
		"p.yaml:3:71: partitions.rt.on_fatal: safe-state without a BSP (p.yaml:1:6) to take "
		"the platform there; use bsp: builtin, or another action\n");
}
END_TEST

START_TEST(safe_state)
{
	struct plan *plan = unit_plan("safe_state: non-safety\npartitions:\n" LINUX "}\n");

	ck_assert_int_eq(plan->safe_state.stop, PLAN_SAFE_STOP_NON_SAFETY);
	plan_destroy(plan);
	plan = unit_plan(
		"safe_state: {notify: s.sock, command: echo, eventfd: 7}\npartitions:\n" LINUX
		"}\n");
	ck_assert_int_eq(plan->safe_state.stop, PLAN_SAFE_STOP_ALL);
	ck_assert_str_eq(plan->safe_state.notify, "/plans/s.sock");
	ck_assert_str_eq(plan->safe_state.command, "echo");
	ck_assert_uint_eq(plan->safe_state.eventfd, 7);
	plan_destroy(plan);
}
END_TEST

START_TEST(watch_and_status)
{
	struct plan *plan = unit_plan("lockdown: strict\npartitions:\n" RT
				      ", watchdog: 200ms, veto: 2s, stop_timeout: 1m, "
				      "status_page: {address: 0xfed80000, irq: 10}}\n");
	const struct plan_partition *p = &plan->partitions[0];

	ck_assert_uint_eq(p->watchdog_ns, 200000000);
	ck_assert_uint_eq(p->veto_ns, 2000000000);
	ck_assert_uint_eq(p->stop_timeout_ns, 60000000000);
	ck_assert_uint_eq(p->status_page, 0xfed80000);
	ck_assert_uint_eq(p->status_irq, 10);
	ck_assert_int_eq(p->lockdown, PLAN_LOCKDOWN_STRICT);
	plan_destroy(plan);
	check_bad("partitions:\n" LINUX ", watchdog: fast, status_page: 0x1234}\n",
		"p.yaml:2:55: partitions.linux.watchdog: \"fast\" is not a time; give a time such "
		"as 200ms or 30s\n"
		"p.yaml:2:74: partitions.linux.status_page: 0x1234 is not a multiple of 0x1000; "
		"give a multiple\n");
	check_bad("partitions:\n" LINUX ", veto: 2s, status_page: 0x80000000}\n",
		"p.yaml:2:68: partitions.linux.status_page: only the safety partition sees the "
		"state of the others; remove it, or give this partition the role safety\n"
		"p.yaml:2:51: partitions.linux.veto: only the safety partition can veto a stop; "
		"remove it, or give this partition the role safety\n");
}
END_TEST

START_TEST(names_of_runs)
{
	struct plan *plan = unit_plan("name: line-4\npartitions:\n" LINUX "}\n");

	ck_assert_str_eq(plan->name, "line-4");
	plan_destroy(plan);
	check_bad("name: Line 4\npartitions:\n" LINUX "}\n",
		"p.yaml:1:7: name: not a name for a run; use up to 32 of a-z, 0-9, - and _, the "
		"first a letter\n");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/safety_keys");
	TCase *t = tcase_create("safety keys");

	tcase_add_test(t, presets_fill_in_what_a_partition_does_not_say);
	tcase_add_test(t, a_partition_s_own_words_win);
	tcase_add_test(t, the_bsp_is_there_where_it_may_be_called);
	tcase_add_test(t, safe_state);
	tcase_add_test(t, watch_and_status);
	tcase_add_test(t, names_of_runs);
	suite_add_tcase(s, t);
	return s;
}
