/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables for people: rows of text with aligned columns. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdint.h>
#include <stdio.h>

/* Starts as {.columns = N}; the last column is not padded. */
#define TABLE_COLUMNS_MAX 9

struct table {
	unsigned columns;
	unsigned count;
	char *(*rows)[TABLE_COLUMNS_MAX];
	uint64_t right; /* bit N: column N is aligned to the right */
};

/* Adds a row of t->columns strings, which are copied. Without memory rows are missing. */
void table_row(struct table *t, const char *const *cells);
/* Prints and frees the rows. */
void table_print(struct table *t, FILE *f);

#endif
