/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The figure `doorbell`: from a guest to another, which sleeps, and back. The guests are those of
 * guest_doorbell.c; the floor is floor_doorbell.c.
 */
#ifndef TESTS_BENCH_DOORBELL_H
#define TESTS_BENCH_DOORBELL_H

/* Round trips that the guest makes, after some that do not count: caches, and both being awake. */
#define DOORBELL_ROUNDS  2000
#define DOORBELL_WARM_UP 200

/* What is written to the doorbell for a vector of the peer ID [ivshmem]. */
#define DOORBELL_VALUE(id, vector) ((id) << 16 | (vector))

/*
 * Vector 0 says that one listens, and interrupts nobody: it is looked for in the local APIC. Vector
 * 1 is what is measured.
 */
#define DOORBELL_VECTORS           2
#define DOORBELL_HELLO             0
#define DOORBELL_BELL              1
#define DOORBELL_INTERRUPT(vector) (0x31 + 0x10 * (vector)) /* the local APIC's vectors */
#define DOORBELL_MSI_ADDRESS       0xFEE00000

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
