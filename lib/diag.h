/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Diagnostics: every complaint about what a user gave us (plan, option, image, host), collected
 * so that all of them are shown at once, as
 *
 *     file:line:column: field: cause; remedy
 *
 * A list is owned by one thread.
 */
#ifndef LIB_DIAG_H
#define LIB_DIAG_H

#include "lib/util.h"

#include <stdio.h>

/*
 * Where something stands. `file` is borrowed and outlives the diagnostics; it is a path, or a word
 * such as "--set". line and column count from 1; line 0 means that only the file is known.
 */
struct diag_loc {
	const char *file;
	unsigned line;
	unsigned column;
};

enum diag_severity {
	DIAG_ERROR,
	DIAG_WARNING,
	DIAG_NOTE, /* nothing is wrong */
};

struct diag {
	enum diag_severity severity;
	char *file; /* own copy; NULL when unknown */
	unsigned line;
	unsigned column;
	char *field; /* such as "partitions.linux.memory"; NULL when none applies */
	char *text;  /* "cause; remedy" */
};

/* At most DIAG_MAX entries are kept: a hostile plan cannot make us eat all memory. */
#define DIAG_MAX 256

struct diags {
	struct diag *items;
	unsigned count;
	unsigned errors;     /* all errors seen, those not kept included */
	unsigned suppressed; /* seen but not kept */
};

void diags_init(struct diags *d);
void diags_fini(struct diags *d);

/*
 * Adds an error (diag_error), a warning (diag_warning) or a note. LOC and FIELD may be NULL.
 * FMT is "cause; remedy", without a full stop or newline.
 */
void diag_error(struct diags *d, const struct diag_loc *loc, const char *field, const char *fmt,
	...) PRINTF_LIKE(4, 5);
void diag_warning(struct diags *d, const struct diag_loc *loc, const char *field, const char *fmt,
	...) PRINTF_LIKE(4, 5);
void diag_note(struct diags *d, const struct diag_loc *loc, const char *field, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/*
 * The remedy for errno ERROR where it is a matter of this host's limits, whatever was being done;
 * else NULL.
 */
const char *diag_remedy(int error);

/* Writes all entries to F, one line each, every line starting with PREFIX. */
void diags_print(const struct diags *d, FILE *f, const char *prefix);

#endif
