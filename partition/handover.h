/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a partition process gets what it needs: one MSG_LAUNCH (partition/protocol.h) with a sealed
 * memfd, in which are the launch block and the plan, and every descriptor that the block names; as
 * many MSG_LAUNCH_MORE as the descriptors take that do not come with the first.
 */
#ifndef PARTITION_HANDOVER_H
#define PARTITION_HANDOVER_H

#include "partition/protocol.h"

/*
 * For the supervisor: sends LAUNCH, with its descriptors as they are called here, and PLAN to the
 * partition process at the other end of CONTROL_FD. 0, or a negative errno.
 */
int handover_send(
	int control_fd, const struct partition_launch *launch, const struct plan_partition *plan);

/*
 * For the partition process: waits for it. Descriptors are as they are called there, close-on-exec.
 * 0; -ENODATA when the supervisor is gone, or has nothing for this process to do; -EPROTO or
 * another negative errno.
 */
int handover_receive(
	int control_fd, struct partition_launch *ret_launch, struct plan_partition **ret_plan);

#endif
