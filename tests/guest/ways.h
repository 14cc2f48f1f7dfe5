/* SPDX-License-Identifier: BSD-3-Clause */
/* What an image does, chosen by name: its own ways, and those of its architecture's part. */
#ifndef TESTS_GUEST_WAYS_H
#define TESTS_GUEST_WAYS_H

#include "guest.h"

struct way {
	const char *name; /* NULL: the end of the list */
	void (*run)(void);
};

extern const struct way machine_ways[];

static inline void way_run(const struct way *ways, const char *name)
{
	for (; ways->name; ways++)
		if (strcmp(ways->name, name) == 0)
			ways->run();
}

#endif
