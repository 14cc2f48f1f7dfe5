/* SPDX-License-Identifier: BSD-3-Clause */
/* A command line that is put together word by word, all of them copies. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "cli/options.h"

/* Zeroed, it is empty. */
struct words {
	char **items; /* NULL at the end; NULL: there are none */
	unsigned count;
	bool failed; /* there was no memory for one: what is there is not all */
};

void words_add(struct words *w, const char *word);

/* The options in VALUES that are given, as options_words makes them. */
void words_add_options(struct words *w, const struct option_spec *specs, const void *values);

void words_fini(struct words *w);

#endif
