/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/options.h"

#include "lib/size.h"
#include "lib/suggest.h"
#include "lib/util.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#define LINE_COLUMNS 80

/* ---- parsing ---- */

PRINTF_LIKE(2, 3)
static int parse_error(struct option_result *ret, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&ret->error, fmt, ap);
	va_end(ap);
	if (n >= 0)
		return -EINVAL;
	ret->error = NULL;
	return -ENOMEM;
}

static int unknown_option(
	const struct option_spec *specs, const char *arg, struct option_result *ret)
{
	int len = (int)strcspn(arg, "=");
	AUTO_FREE char *word = NULL;

	if (arg[1] != '-')
		return parse_error(ret, "%s is not an option; options are written as --name", arg);
	word = strndup(arg + 2, (size_t)len - 2);
	if (!word)
		return -ENOMEM;
	for (const struct option_spec *s = specs; s && s->name; s++) {
		if (name_is_close(word, s->name))
			return parse_error(ret, "%.*s is not an option; did you mean --%s?", len,
				arg, s->name);
	}
	return parse_error(ret, "%.*s is not an option; see the list of options", len, arg);
}

struct quantity_kind {
	int (*parse)(const char *text, uint64_t *ret);
	const char *what;
	const char *example;
	uint64_t max;
};

static const struct quantity_kind quantities[] = {
	[OPTION_SIZE] = {parse_size, "a size", "512M or 2G", UINT64_MAX},
	[OPTION_DURATION] = {parse_duration, "a time", "30s, 500ms or 2m", UINT64_MAX},
	[OPTION_UNSIGNED] = {parse_u64, "a number", "4", UINT_MAX},
};

static int option_set_quantity(
	const struct option_spec *s, const char *text, void *field, struct option_result *ret)
{
	const struct quantity_kind *q = &quantities[s->kind];
	uint64_t value = 0;
	int err = q->parse(text, &value);

	if (err == -ERANGE || (!err && value > q->max))
		return parse_error(ret, "--%s: %s is too large; write %s such as %s", s->name, text,
			q->what, q->example);
	if (err)
		return parse_error(ret, "--%s: \"%s\" is not %s; write it as %s", s->name, text,
			q->what, q->example);
	/* In the options struct 0 stands for "not given". */
	if (!value)
		return parse_error(ret,
			"--%s: %s is too little; give more, or leave the option out", s->name,
			text);
	if (s->kind == OPTION_UNSIGNED)
		*(unsigned *)field = (unsigned)value;
	else
		*(uint64_t *)field = value;
	return 0;
}

static int option_set(
	const struct option_spec *s, const char *text, void *values, struct option_result *ret)
{
	void *field = (char *)values + s->offset;
	struct option_strings *strings = field;
	const char **items;

	switch (s->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_STRING:
		*(const char **)field = text;
		return 0;
	case OPTION_STRINGS:
	case OPTION_OPTIONALS:
		items = reallocarray(strings->items, strings->count + 1, sizeof(*items));
		if (!items)
			return -ENOMEM;
		items[strings->count] = text;
		strings->items = items;
		strings->count++;
		return 0;
	case OPTION_SIZE:
	case OPTION_DURATION:
	case OPTION_UNSIGNED:
		break;
	}
	return option_set_quantity(s, text, field, ret);
}

/* The entry that ARG ("--name" or "--name=value") names in full, or NULL. */
static const struct option_spec *option_find(const struct option_spec *specs, const char *arg)
{
	size_t len = strcspn(arg + 2, "=");

	for (const struct option_spec *s = specs; s && s->name; s++) {
		if (strlen(s->name) == len && strncmp(arg + 2, s->name, len) == 0)
			return s;
	}
	return NULL;
}

/* Takes the option argv[*at], and its value if that is the next argument; *AT moves past both. */
static int option_take(const struct option_spec *specs, char **argv, int *at, void *values,
	struct option_result *ret)
{
	char *arg = argv[(*at)++];
	const struct option_spec *s = arg[1] == '-' ? option_find(specs, arg) : NULL;
	const char *text = strchr(arg, '=');

	if (!s)
		return unknown_option(specs, arg, ret);
	if (s->kind == OPTION_FLAG) {
		if (text)
			return parse_error(
				ret, "--%s takes no value; write it as --%s", s->name, s->name);
		return option_set(s, NULL, values, ret);
	}
	if (text || s->kind == OPTION_OPTIONALS)
		return option_set(s, text ? text + 1 : "", values, ret);
	if (!argv[*at])
		return parse_error(
			ret, "--%s needs a value; write --%s %s", s->name, s->name, s->arg);
	/* "--initrd --json" is a forgotten value; who means it can say so with "=". */
	if (strncmp(argv[*at], "--", 2) == 0)
		return parse_error(ret,
			"--%s needs a value, and %s looks like an option; write "
			"--%s=%s if it is the value",
			s->name, argv[*at], s->name, argv[*at]);
	return option_set(s, argv[(*at)++], values, ret);
}

int options_parse(const struct option_spec *specs, int argc, char **argv, void *values,
	struct option_result *ret)
{
	int at = 0;

	*ret = (struct option_result){.operands = argv};
	while (at < argc) {
		int err;

		if (strcmp(argv[at], "--") == 0) {
			ret->ended = true;
			for (at++; at < argc; at++)
				argv[ret->operand_count++] = argv[at];
			break;
		}
		if (argv[at][0] != '-' || !argv[at][1]) { /* "-" is an operand: standard input */
			argv[ret->operand_count++] = argv[at++];
			continue;
		}
		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
			ret->help = true;
			return 0;
		}
		err = option_take(specs, argv, &at, values, ret);
		if (err)
			return err;
	}
	return 0;
}

/* ---- and back ---- */

/* S as one word, of which VALUE is what it says; NULL for a flag. */
static char *option_word(const struct option_spec *s, const char *value)
{
	char *word;

	return asprintf(&word, "--%s%s%s", s->name, value ? "=" : "", value ?: "") < 0 ? NULL
										       : word;
}

/* What S, which is given once at most, stands at, as text in BUF or elsewhere; NULL: not given. */
static const char *option_text(const struct option_spec *s, const void *field, char buf[32])
{
	uint64_t value;

	if (s->kind == OPTION_STRING)
		return *(const char *const *)field;
	value = s->kind == OPTION_UNSIGNED ? *(const unsigned *)field : *(const uint64_t *)field;
	snprintf(buf, 32, "%llu%s", (unsigned long long)value,
		s->kind == OPTION_DURATION ? "ns" : "");
	return value ? buf : NULL;
}

char **options_words(const struct option_spec *specs, const void *values)
{
	size_t count = 0, room = 1;
	char **words, buf[32];

	for (const struct option_spec *s = specs; s->name; s++) {
		const struct option_strings *strings =
			(const void *)((const char *)values + s->offset);
		bool many = s->kind == OPTION_STRINGS || s->kind == OPTION_OPTIONALS;

		room += many ? strings->count : 1;
	}
	words = calloc(room, sizeof(*words));
	for (const struct option_spec *s = specs; words && s->name; s++) {
		const void *field = (const char *)values + s->offset;
		const struct option_strings *strings = field;
		const char *text;

		if (s->kind == OPTION_STRINGS || s->kind == OPTION_OPTIONALS) {
			for (unsigned i = 0; i < strings->count; i++)
				words[count++] = option_word(s, strings->items[i]);
		} else if (s->kind == OPTION_FLAG) {
			if (*(const bool *)field)
				words[count++] = option_word(s, NULL);
		} else if ((text = option_text(s, field, buf))) {
			words[count++] = option_word(s, text);
		}
	}
	return words;
}

void options_fini(const struct option_spec *specs, void *values)
{
	for (const struct option_spec *s = specs; s && s->name; s++) {
		struct option_strings *strings = (void *)((char *)values + s->offset);

		if (s->kind != OPTION_STRINGS && s->kind != OPTION_OPTIONALS)
			continue;
		free(strings->items);
		*strings = (struct option_strings){0};
	}
}

/* ---- help ---- */

/* Prints TEXT from column COLUMN on, where the cursor is already. */
static void print_wrapped(FILE *f, unsigned column, const char *text)
{
	unsigned at = column;
	bool first = true; /* no word yet on this line */

	while (*text) {
		unsigned len = (unsigned)strcspn(text, " \n");

		if (!first && at + 1 + len > LINE_COLUMNS) {
			fprintf(f, "\n%*s", (int)column, "");
			at = column;
			first = true;
		}
		at += (unsigned)fprintf(f, "%s%.*s", first ? "" : " ", (int)len, text);
		first = false;
		text += len;
		if (*text == '\n') {
			fprintf(f, "\n%*s", text[1] == '\n' ? 0 : (int)column, "");
			at = column;
			first = true;
		}
		text += *text != '\0';
	}
	fputc('\n', f);
}

void print_columns(FILE *f, const char *left, unsigned column, const char *text)
{
	unsigned at = (unsigned)fprintf(f, "  %s", left);

	if (at + 2 > column) {
		fputc('\n', f);
		at = 0;
	}
	fprintf(f, "%*s", (int)(column - at), "");
	print_wrapped(f, column, text);
}

void print_text(FILE *f, const char *text)
{
	print_wrapped(f, 0, text);
}

#define OPTION_LABEL_MAX 64

static int option_label(const struct option_spec *s, char label[OPTION_LABEL_MAX])
{
	bool optional = s->kind == OPTION_OPTIONALS;

	return snprintf(label, OPTION_LABEL_MAX, "--%s%s%s%s", s->name,
		optional ? "[="
		: s->arg ? " "
			 : "",
		s->arg ? s->arg : "", optional ? "]" : "");
}

void options_print(const struct option_spec *specs, FILE *f)
{
	char label[OPTION_LABEL_MAX];
	unsigned column = 0;

	for (const struct option_spec *s = specs; s && s->name; s++)
		column = (unsigned)max_u64(column, (uint64_t)option_label(s, label));
	/* Two blanks before and after; a very long label does not push all texts to the right. */
	column = (unsigned)min_u64(max_u64(column, strlen("--help")) + 4, 30);
	for (const struct option_spec *s = specs; s && s->name; s++) {
		option_label(s, label);
		print_columns(f, label, column, s->help);
	}
	print_columns(f, "--help", column, "Show this help.");
}
