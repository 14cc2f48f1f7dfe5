/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What people see while cases run: a line for each that is over and, on a terminal, one at the
 * bottom that says what is going on; then a summary.
 */
#ifndef SUITE_PROGRESS_H
#define SUITE_PROGRESS_H

#include "suite/report.h"

struct progress {
	FILE *f;
	bool live;      /* F is a terminal */
	bool shown;     /* the live line is there */
	bool emulated;  /* what takes how long says nothing; the caller's to set */
	unsigned width; /* of the terminal, in columns */
	unsigned total, over, failed, running;
	const char *latest; /* the name of the case that was started last */
};

void progress_init(struct progress *p, FILE *f, unsigned total);
void progress_started(struct progress *p, const struct suite_entry *e);
void progress_finished(struct progress *p, const struct suite_entry *e);
void progress_tick(struct progress *p);

/* The slowest cases, those that failed, and last "N passed, N failed, N skipped". */
void progress_summary(
	struct progress *p, const struct suite_entry *entries, unsigned count, uint64_t ns);

#endif
