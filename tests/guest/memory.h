/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the parts of the memory test. */
#ifndef TESTS_GUEST_MEMORY_H
#define TESTS_GUEST_MEMORY_H

#include <stdint.h>

/* The architecture's: where RAM is. What does not fit below 4 GiB goes on there. */
struct memory_layout {
	uint64_t low_base, low_max; /* below 4 GiB: from here, at most so many bytes */
	uint64_t hole;              /* where nothing is, below 4 GiB */
};

extern const struct memory_layout memory_layout;

#endif
