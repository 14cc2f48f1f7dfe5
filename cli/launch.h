/* SPDX-License-Identifier: BSD-3-Clause */
/* What `run` and `boot` do once they have a plan. */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include "plan/plan.h"
#include "supervisor/supervisor.h"

/*
 * Holds PLAN against its files and this host, then runs it. Prints what DIAGS holds, and the
 * reasons why it does not start, to stderr. PLAN may be NULL: it could not be loaded. Destroys
 * both. An enum bh_exit.
 */
int launch(struct plan *plan, const struct run_options *options, struct diags *diags);

#endif
