/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the parts of the test of what nobody claims. */
#ifndef TESTS_GUEST_UNCLAIMED_H
#define TESTS_GUEST_UNCLAIMED_H

#include <stdint.h>

/* Checks that nothing is at ADDRESS. */
void check_address(uint64_t address);

/* The architecture's: where else nothing is. */
void check_machine_unclaimed(void);

#endif
