/* SPDX-License-Identifier: BSD-3-Clause */
/* Which pages of guest memory are there: looking at one that is not would make it. */
#ifndef VMM_PRESENT_H
#define VMM_PRESENT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How many of the SIZE bytes at HVA, SIZE not being 0, are alike: there, or not; at most
 * PRESENT_RUN_MAX of them. Where the kernel does not tell, they are. Any thread.
 */
#define PRESENT_RUN_MAX (1024 * 1024)
uint64_t present_run(const uint8_t *hva, uint64_t size, bool *ret_present);

#endif
