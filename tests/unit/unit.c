/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include "lib/loop.h"
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

static void time_over(struct loop_timer *t)
{
	loop_stop(t->loop);
}

void unit_run_loop(struct loop *loop, uint64_t ns)
{
	struct loop_timer t;

	ck_assert_int_eq(loop_timer_init(loop, &t, time_over), 0);
	loop_timer_start(&t, ns);
	ck_assert_int_eq(loop_run(loop), 0);
	loop_timer_fini(&t);
}

struct plan *unit_load_plan(const char *yaml, char *ret_text, size_t size)
{
	struct plan *plan = NULL;
	struct diags diags;
	FILE *f = fmemopen(ret_text, size, "w");

	diags_init(&diags);
	plan_load_text("p.yaml", "/plans", yaml, strlen(yaml), NULL, &diags, &plan);
	diags_print(&diags, f, "");
	fclose(f);
	diags_fini(&diags);
	return plan;
}

struct plan *unit_plan(const char *yaml)
{
	char complaints[4096] = "";
	struct plan *plan = unit_load_plan(yaml, complaints, sizeof(complaints));

	ck_assert_msg(plan != NULL, "%s", complaints);
	return plan;
}

void unit_plan_refused(const char *yaml, const char *message)
{
	char complaints[4096] = "";

	ck_assert_ptr_null(unit_load_plan(yaml, complaints, sizeof(complaints)));
	ck_assert_msg(strstr(complaints, message) != NULL, "%s", complaints);
}

struct plan_partition *unit_plan_sent(const struct plan_partition *p)
{
	struct plan_partition *got;
	size_t size;
	void *bytes;

	ck_assert_int_eq(plan_partition_encode(p, &bytes, &size), 0);
	ck_assert_int_eq(plan_partition_decode(bytes, size, &got), 0);
	free(bytes);
	return got;
}

static char *print_plan(struct plan *plan)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	plan_print_yaml(plan, f);
	fclose(f);
	plan_destroy(plan);
	return text;
}

char *unit_replay_plan(struct plan *plan)
{
	char *first = print_plan(plan), *second = print_plan(unit_plan(first));

	ck_assert_str_eq(first, second);
	free(second);
	return first;
}

int main(void)
{
	SRunner *runner = srunner_create(unit_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
