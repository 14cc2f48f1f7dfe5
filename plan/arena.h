/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that is released all at once. One thread.
 */
#ifndef PLAN_ARENA_H
#define PLAN_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	bool failed; /* an allocation has failed; whoever fills the arena asks once, at the end */
};

/* SIZE zeroed bytes, aligned for any object; NULL without memory. */
void *arena_alloc(struct arena *a, size_t size);

/* The first SIZE bytes of TEXT and a NUL; NULL without memory. */
char *arena_strndup(struct arena *a, const char *text, size_t size);

/* Legal on a zeroed arena. */
void arena_fini(struct arena *a);

#endif
