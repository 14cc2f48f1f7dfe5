/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The figure `doorbell`: from a guest to another, which sleeps, and back. The guests are those of
 * guest_doorbell.c; the floor is floor_doorbell.c.
 */
#ifndef TESTS_BENCH_DOORBELL_H
#define TESTS_BENCH_DOORBELL_H

/* Round trips that the guest makes, after some that do not count: caches, and both being awake. */
#define DOORBELL_ROUNDS  4000
#define DOORBELL_WARM_UP 400

/* What is written to the doorbell for the peer ID's vector 1 [ivshmem]. */
#define DOORBELL_VALUE(id) ((id) << 16 | 1)

/* The local APIC's vector that this is, and its address. */
#define DOORBELL_INTERRUPT   0x41
#define DOORBELL_MSI_ADDRESS 0xFEE00000

/* Where the doorbell is when there is no PCI. */
#define DOORBELL_FLOOR 0xC000000C

#ifndef DOORBELL_CONSTANTS
#include "tests/bench/process.h"

#include <stdbool.h>

/*
 * A run of Bulkhead, or of the floor: how long a round trip took. 0; -ENODEV when there are no two
 * cores; another negative errno, with what the program said in RET_REPORT.
 */
int doorbell_measure(
	const char *out, bool floor, double *ret_us, char ret_report[PROCESS_REPORT_MAX]);
#endif

#endif
