/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig/tail.h"

#include "lib/text.h"
#include "lib/util.h"
#include "rig/say.h"

#include <string.h>

void tail_add(struct tail *t, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (t->size == 2 * TAIL_BYTES) {
			memmove(t->bytes, t->bytes + TAIL_BYTES, TAIL_BYTES);
			t->size = TAIL_BYTES;
		}
		/* It stays text. */
		t->bytes[t->size++] = bytes[i] ? bytes[i] : ' ';
	}
	t->bytes[t->size] = '\0';
}

int tail_has(const struct tail *t, const char *text)
{
	return strstr(t->bytes, text) != NULL;
}

/* The line that ends before END. */
static const char *line_before(const struct tail *t, const char *end)
{
	while (end > t->bytes && end[-1] != '\n')
		end--;
	return end;
}

void tail_print(const struct tail *t, unsigned lines, const char *prefix, const char *skip, FILE *f)
{
	const char *end = t->bytes + t->size, *at = end;
	char line[TAIL_BYTES + 1];

	while (lines-- && at > t->bytes)
		at = line_before(t, at - 1);
	while (at < end) {
		size_t n = strcspn(at, "\n");

		text_sanitise_line((const uint8_t *)at, (size_t)min_u64(n, sizeof(line) - 1), line);
		if (!rig_can_say(f))
			return;
		if (*line && (!skip || !strstr(line, skip)))
			fprintf(f, "%s%s\n", prefix, line);
		at += n + 1;
	}
}
