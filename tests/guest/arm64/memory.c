/* SPDX-License-Identifier: BSD-3-Clause */
/* Where RAM is on arm64: it goes on above 4 GiB without a hole. */
#include "../memory.h"
#include "mmio.h"

const struct memory_layout memory_layout = {
	.low_base = 0x40000000, .low_max = UINT64_C(3) << 30, .hole = MMIO_NOWHERE};
