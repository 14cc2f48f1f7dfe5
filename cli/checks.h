/* SPDX-License-Identifier: BSD-3-Clause */
/* What `check`, `run` and `boot` hold a plan against before anything starts, and how they say it.
 */
#ifndef CLI_CHECKS_H
#define CLI_CHECKS_H

#include "lib/diag.h"
#include "lib/exitcode.h"
#include "plan/plan.h"

enum plan_checks {
	CHECK_FILES = 1 << 0,  /* the files it names */
	CHECK_IMAGES = 1 << 1, /* each partition is built, and forgotten */
	CHECK_HOST = 1 << 2,   /* this host's cores, memory and limits */
	CHECK_KVM = 1 << 3,    /* ... and its KVM, by running tiny guests */
	CHECK_NOTES = 1 << 4,  /* what is well, but should be known */
};

/* Makes all the CHECKS, so that every problem is in DIAGS; the exit code that they ask for. */
enum bh_exit plan_check(const struct plan *plan, unsigned checks, struct diags *diags);

/* Prints DIAGS and CODE to stdout as one JSON object. */
void diags_print_json(const struct diags *diags, enum bh_exit code);

#endif
