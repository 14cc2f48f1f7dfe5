/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/words.h"

#include <stdlib.h>
#include <string.h>

/* Adds WORD, which is the list's from now on; NULL: there was no memory for it. */
static void take(struct words *w, char *word)
{
	char **items = word ? reallocarray(w->items, w->count + 2, sizeof(*items)) : NULL;

	if (!items) {
		free(word);
		w->failed = true;
		return;
	}
	items[w->count++] = word;
	items[w->count] = NULL;
	w->items = items;
}

void words_add(struct words *w, const char *word)
{
	take(w, strdup(word));
}

void words_add_options(struct words *w, const struct option_spec *specs, const void *values)
{
	char **words = options_words(specs, values);

	w->failed = w->failed || !words;
	for (char **word = words; word && *word; word++)
		take(w, *word);
	free(words);
}

void words_fini(struct words *w)
{
	for (unsigned i = 0; i < w->count; i++)
		free(w->items[i]);
	free(w->items);
	*w = (struct words){0};
}
