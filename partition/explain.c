/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/explain.h"

#include <errno.h>
#include <string.h>

static const char *host_remedy(int error)
{
	if (error == EINVAL || error == EPERM || error == EACCES)
		return "see whether the cores in the plan are online and allowed for this process "
		       "(taskset, cgroup cpuset), and what `bulkhead doctor` says";
	return diag_remedy(error) ?: "see what `bulkhead doctor` says about this host";
}

void explain_host_error(
	const struct plan_partition *p, const char *what, int error, struct diags *diags)
{
	diag_error(diags, &p->locs[PLAN_KEY_PARTITION], p->name,
		"this host cannot run it: %s: %s; %s", what, strerror(-error), host_remedy(-error));
}
