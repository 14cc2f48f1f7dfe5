/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Command-line options as tables: one entry per option, its help text beside the field that it
 * fills in. Spelled --name VALUE or --name=VALUE, never abbreviated; "--" ends the options; they
 * may stand before, between and after the operands. Single-threaded.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind {
	OPTION_FLAG,      /* bool */
	OPTION_STRING,    /* const char *, into argv; NULL when not given */
	OPTION_STRINGS,   /* struct option_strings; the option may be repeated */
	OPTION_OPTIONALS, /* the same, with a value after "=" only; --name alone is the empty text
			   */
	OPTION_SIZE,      /* uint64_t, bytes; never 0, as the next two */
	OPTION_DURATION,  /* uint64_t, nanoseconds */
	OPTION_UNSIGNED,  /* unsigned */
};

struct option_strings {
	const char **items; /* into argv, in the order given */
	unsigned count;
};

/* A table ends with an entry whose name is NULL. */
struct option_spec {
	const char *name; /* without the dashes */
	const char *arg;  /* placeholder of the value, such as "TIME"; NULL for a flag */
	enum option_kind kind;
	size_t offset; /* of the field that it fills in, in the command's options struct */
	const char *help;
};

struct option_result {
	bool help;              /* --help or -h was given: nothing else counts */
	bool ended;             /* "--" was there */
	unsigned operand_count; /* with an error: those before it */
	char **operands;        /* inside argv */
	char *error; /* "--timeout: cause; remedy"; owned, NULL unless -EINVAL was returned */
};

/*
 * Parses the ARGC arguments ARGV (the command's name not among them), which are reordered: operands
 * to the front. VALUES is the command's options struct, filled with its defaults; of an option
 * given twice the last counts. 0; -EINVAL with RET->error at the first mistake; -ENOMEM. Whatever
 * is returned, call options_fini on VALUES, and free RET->error, when done.
 */
int options_parse(const struct option_spec *specs, int argc, char **argv, void *values,
	struct option_result *ret);

/*
 * The options in VALUES as words that options_parse reads the same from. The caller's, as are the
 * words; NULL at the end. NULL without memory.
 */
char **options_words(const struct option_spec *specs, const void *values);

/* Frees what options_parse has allocated inside VALUES. */
void options_fini(const struct option_spec *specs, void *values);

/* Prints the table as aligned columns, --help included. */
void options_print(const struct option_spec *specs, FILE *f);

/*
 * Prints LEFT, indented by 2, and TEXT beside it from column COLUMN on, wrapped at 80 columns. LEFT
 * gets a line of its own when it is too long. Newlines in TEXT break the line.
 */
void print_columns(FILE *f, const char *left, unsigned column, const char *text);

/* Prints TEXT wrapped at 80 columns; newlines in it break the line. */
void print_text(FILE *f, const char *text);

#endif
