/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A unit test file defines unit_suite(); tests/unit/unit.c is its main. Build one with
 * `make unit`; run one by itself from build/tests/unit/LAYER/test_X.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <check.h>
#include <stdint.h>

Suite *unit_suite(void);

struct loop;
struct plan;
struct plan_partition;

/* Runs LOOP for NS nanoseconds; a loop_stop ends it before. */
void unit_run_loop(struct loop *loop, uint64_t ns);

/* The plan for x86-64 "p.yaml" in "/plans" of this text; NULL, with its complaints in TEXT. */
struct plan *unit_load_plan(const char *yaml, char *ret_text, size_t size);

/* The same of one that is in order; and one is refused, with MESSAGE among the complaints. */
struct plan *unit_plan(const char *yaml);
void unit_plan_refused(const char *yaml, const char *message);

/* P as its process gets it; plan_partition_destroy frees it. */
struct plan_partition *unit_plan_sent(const struct plan_partition *p);

/*
 * PLAN as `check --print` prints it, which the test frees; what is loaded from that must be printed
 * alike. Destroys PLAN.
 */
char *unit_replay_plan(struct plan *plan);

#endif
