/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reports. One JSON object holds all that is known (docs/testing.md has its form); JUnit, TAP and
 * GitHub's annotations are made of it, so that they can be made of merged reports, too.
 */
#ifndef SUITE_REPORT_H
#define SUITE_REPORT_H

#include "suite/runner.h"

#include <jansson.h>

struct suite_summary {
	unsigned passed, failed, skipped, not_run, flaky;
};

/* Part INDEX of TOTAL, from 1, of a test's cases; both 0: all of them. */
struct report_shard {
	unsigned index, total;
};

/* How the cases were run. */
struct report_run {
	uint64_t ns; /* all of them */
	struct report_shard shard;
	bool emulated; /* in the rig: what took how long says nothing about real machines */
};

/* The results of all entries; the caller's. NULL without memory. */
json_t *report_create(
	const struct suite_entry *entries, unsigned count, const struct report_run *run);

/* A report without cases, by whom and when as FROM says; the caller's. */
json_t *report_empty(const json_t *from);

/* Which part REPORT is. False: it is no part. */
bool report_get_shard(const json_t *report, struct report_shard *ret_shard);

/* Adds FROM's cases to REPORT, and counts anew. 0; -EINVAL when FROM is no such report. */
int report_merge(json_t *report, const json_t *from);

/* The counts of a report. */
struct suite_summary report_summary(const json_t *report);

void report_print_json(const json_t *report, FILE *f);
void report_print_junit(const json_t *report, FILE *f);

/* TAP 14. The case, number NUMBER from 1, is one of report_create's; the plan line comes first. */
void report_print_tap_plan(unsigned count, FILE *f);
void report_print_tap_case(const json_t *test, unsigned number, FILE *f);

/*
 * How many bytes of REPORT, of a fatal error, are to be printed below TAIL, what a console said
 * last (NULL: nothing): all but the same lines again.
 */
int report_size_below(const char *report, const char *tail);

/* An annotation for each failed case [GitHub: workflow commands], and a table in Markdown. */
void report_print_github(const json_t *report, FILE *f);
void report_print_markdown(const json_t *report, FILE *f);

/* One entry as it stands in a report; the caller's. */
json_t *report_case(const struct suite_entry *e);

#endif
