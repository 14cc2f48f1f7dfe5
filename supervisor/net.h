/* SPDX-License-Identifier: BSD-3-Clause */
/* What is behind the network devices of partitions: tap devices, bridges, passt. */
#ifndef SUPERVISOR_NET_H
#define SUPERVISOR_NET_H

#include "supervisor/child_files.h"

/* Opens what is behind a device of type net. What fails is in the child's diagnostics. */
void net_open(struct opening *o);

/* Whether what the plan's network devices need is there, as far as looking tells. */
void net_check(const struct plan *plan, struct diags *diags);

#endif
