/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

void diags_init(struct diags *d)
{
	memset(d, 0, sizeof(*d));
}

void diags_fini(struct diags *d)
{
	for (unsigned i = 0; i < d->count; i++) {
		free(d->items[i].file);
		free(d->items[i].field);
		free(d->items[i].text);
	}
	free(d->items);
	diags_init(d);
}

PRINTF_LIKE(5, 0)
static void diag_add(struct diags *d, enum diag_severity severity, const struct diag_loc *loc,
	const char *field, const char *fmt, va_list ap)
{
	struct diag *items, *it;

	if (severity == DIAG_ERROR)
		d->errors++;
	if (d->count == DIAG_MAX) {
		d->suppressed++;
		return;
	}
	items = reallocarray(d->items, d->count + 1, sizeof(*items));
	if (!items) {
		d->suppressed++;
		return;
	}
	d->items = items;
	it = &items[d->count];
	memset(it, 0, sizeof(*it));
	if (vasprintf(&it->text, fmt, ap) < 0) {
		it->text = NULL;
		d->suppressed++;
		return;
	}
	it->severity = severity;
	it->field = field ? strdup(field) : NULL;
	if (loc && loc->file) {
		it->file = strdup(loc->file);
		it->line = loc->line;
		it->column = loc->column;
	}
	d->count++;
}

void diag_error(
	struct diags *d, const struct diag_loc *loc, const char *field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_add(d, DIAG_ERROR, loc, field, fmt, ap);
	va_end(ap);
}

void diag_warning(
	struct diags *d, const struct diag_loc *loc, const char *field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_add(d, DIAG_WARNING, loc, field, fmt, ap);
	va_end(ap);
}

void diag_note(struct diags *d, const struct diag_loc *loc, const char *field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_add(d, DIAG_NOTE, loc, field, fmt, ap);
	va_end(ap);
}

const char *diag_remedy(int error)
{
	switch (error) {
	case ENOMEM:
		return "free some memory, or give the partitions less";
	case EMFILE:
	case ENFILE:
		return "raise the limit of open files (ulimit -n)";
	case EAGAIN:
		return "raise the limit of processes (ulimit -u)";
	case EFBIG:
		return "raise the limit of file sizes (ulimit -f)";
	default:
		return NULL;
	}
}

static void diag_print(const struct diag *it, FILE *f, const char *prefix)
{
	fputs(prefix, f);
	if (it->file && it->line)
		fprintf(f, "%s:%u:%u: ", it->file, it->line, it->column);
	else if (it->file)
		fprintf(f, "%s: ", it->file);
	if (it->severity != DIAG_ERROR)
		fputs(it->severity == DIAG_WARNING ? "warning: " : "note: ", f);
	if (it->field)
		fprintf(f, "%s: ", it->field);
	fprintf(f, "%s\n", it->text);
}

void diags_print(const struct diags *d, FILE *f, const char *prefix)
{
	for (unsigned i = 0; i < d->count; i++)
		diag_print(&d->items[i], f, prefix);
	if (d->suppressed)
		fprintf(f, "%s(%u more not shown)\n", prefix, d->suppressed);
}
