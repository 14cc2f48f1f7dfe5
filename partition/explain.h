/* SPDX-License-Identifier: BSD-3-Clause */
/* Words for what went wrong: made where the facts are, read by people. One thread. */
#ifndef PARTITION_EXPLAIN_H
#define PARTITION_EXPLAIN_H

#include "lib/diag.h"
#include "plan/plan.h"

/* Adds an error about partition P: WHAT (a step or an ioctl) failed on this host with -ERROR. */
void explain_host_error(
	const struct plan_partition *p, const char *what, int error, struct diags *diags);

#endif
