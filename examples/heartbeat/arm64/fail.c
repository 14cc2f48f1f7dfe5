/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways to go wrong that only an arm64 machine has. */
#include "../heartbeat.h"
#include "arm64.h"

/* Exception vectors that are no code: each exception is another one. */
static void no_vectors(uint32_t argument)
{
	sysreg_write(vbar_el1, MMIO_NOWHERE);
	mmio_write32(MMIO_NOWHERE, argument);
	cpu_undefined();
}

const struct way machine_ways[] = {{"vectors", no_vectors}, {NULL, NULL}};
