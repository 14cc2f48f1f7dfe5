/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/event.h"

#include <stdint.h>
#include <sys/uio.h>

bool event_take(int fd)
{
	uint64_t count;
	const struct iovec iov = {.iov_base = &count, .iov_len = sizeof(count)};

	/* Offset -1: as read does. */
	return preadv2(fd, &iov, 1, -1, RWF_NOWAIT) == sizeof(count);
}
