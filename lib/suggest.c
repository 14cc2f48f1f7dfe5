/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/suggest.h"

#include "lib/util.h"

#include <string.h>

#define NAME_CLOSE_MAX 32 /* longer names are not compared */

/* Insertions, deletions, replacements and swaps of neighbours between A and B. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned rows[NAME_CLOSE_MAX + 1][NAME_CLOSE_MAX + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	for (unsigned i = 0; i <= a_len; i++) {
		for (unsigned j = 0; j <= b_len; j++) {
			unsigned best;

			if (!i || !j) {
				rows[i][j] = i + j;
				continue;
			}
			best = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			best = (unsigned)min_u64(best, rows[i - 1][j] + 1);
			best = (unsigned)min_u64(best, rows[i][j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = (unsigned)min_u64(best, rows[i - 2][j - 2] + 1);
			rows[i][j] = best;
		}
	}
	return rows[a_len][b_len];
}

bool name_is_close(const char *word, const char *name)
{
	size_t word_len = strlen(word), name_len = strlen(name);

	if (!word_len || word_len > NAME_CLOSE_MAX || name_len > NAME_CLOSE_MAX)
		return false;
	if (word_len >= 2 && strncmp(word, name, word_len) == 0)
		return true;
	/* One slip in three letters, at most two: more would make strangers look alike. */
	return edit_distance(word, name) <= min_u64(2, name_len / 3);
}
