/* SPDX-License-Identifier: BSD-3-Clause */
/* Where RAM is on x86. */
#include "../memory.h"

const struct memory_layout memory_layout = {
	.low_base = 0, .low_max = UINT64_C(2) << 30, .hole = 0xD0000000};
