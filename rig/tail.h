/* SPDX-License-Identifier: BSD-3-Clause */
/* The last of what somebody says, kept for when it matters. */
#ifndef RIG_TAIL_H
#define RIG_TAIL_H

#include <stdio.h>

#define TAIL_BYTES 8192

struct tail {
	char bytes[2 * TAIL_BYTES + 1]; /* NUL-terminated; the last TAIL_BYTES at least */
	size_t size;
};

void tail_add(struct tail *t, const char *bytes, size_t size);

/* Whether TEXT is in it. */
int tail_has(const struct tail *t, const char *text);

/*
 * Prints the last LINES lines, each after PREFIX, but not those that have SKIP (NULL: none) in
 * them.
 */
void tail_print(
	const struct tail *t, unsigned lines, const char *prefix, const char *skip, FILE *f);

#endif
