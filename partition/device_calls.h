/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The system calls that the devices and ports of a plan take while the guest runs, beyond those of
 * any partition (partition/lockdown.c). A partition without such a device is not allowed them.
 */
#ifndef PARTITION_DEVICE_CALLS_H
#define PARTITION_DEVICE_CALLS_H

#include "lib/sandbox.h"
#include "plan/plan.h"

/* True when the kernel makes workers for one of P's devices, at any time, as threads of ours. */
bool device_calls_workers(const struct plan_partition *p);

/*
 * Adds those of P's devices to FILTER; DISK_THREADS: a disk is served by threads. 0, or what
 * sandbox_filter_add returns.
 */
int device_calls_add(
	const struct plan_partition *p, bool disk_threads, struct sandbox_filter *filter);

#endif
