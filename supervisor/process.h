/* SPDX-License-Identifier: BSD-3-Clause */
/* The processes that partitions run in, before their launch. */
#ifndef SUPERVISOR_PROCESS_H
#define SUPERVISOR_PROCESS_H

#include "supervisor/supervisor.h"

/*
 * A process that waits for its launch: SPARE, when it is there and as isolated as it must be, or
 * else a new one. 0 with *RET_PROCESS the caller's, or a negative errno.
 */
int process_get(
	struct partition_process *spare, bool isolate, struct partition_process *ret_process);

#endif
