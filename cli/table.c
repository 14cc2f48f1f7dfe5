/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/table.h"

#include "lib/util.h"

#include <string.h>

void table_row(struct table *t, const char *const *cells)
{
	char *(*rows)[TABLE_COLUMNS_MAX] = reallocarray(t->rows, t->count + 1, sizeof(*rows));

	if (!rows)
		return;
	t->rows = rows;
	for (unsigned i = 0; i < t->columns; i++)
		rows[t->count][i] = strdup(cells[i]);
	t->count++;
}

void table_print(struct table *t, FILE *f)
{
	int width[TABLE_COLUMNS_MAX] = {0};

	for (unsigned r = 0; r < t->count; r++) {
		for (unsigned i = 0; i < t->columns; i++)
			width[i] = (int)max_u64((uint64_t)width[i], strlen(t->rows[r][i] ?: ""));
	}
	for (unsigned r = 0; r < t->count; r++) {
		for (unsigned i = 0; i < t->columns; i++) {
			const char *end = i + 1 == t->columns ? "\n" : "  ";
			bool right = t->right >> i & 1;
			int w = i + 1 == t->columns && !right ? 0 : width[i];

			fprintf(f, right ? "%*s%s" : "%-*s%s", w, t->rows[r][i] ?: "", end);
			free(t->rows[r][i]);
		}
	}
	free(t->rows);
	*t = (struct table){0};
}
