/* SPDX-License-Identifier: BSD-3-Clause */
#include "fdt/tree.h"

#include <ctype.h>
#include <endian.h>
#include <libfdt.h>
#include <stdarg.h>
#include <string.h>

/* Phandles that nobody has given: from here on, in order. */
#define PHANDLE_OTHERS 0x9000

/* More cells than any property has. */
#define CELLS_MAX 256

/* Keeps the first error. */
static void keep(struct tree *t, int error)
{
	if (!t->error && error < 0)
		t->error = error;
}

void tree_init(struct tree *t, void *buf, size_t size)
{
	memset(t, 0, sizeof(*t));
	t->fdt = buf;
	keep(t, fdt_create(buf, (int)size));
	if (!t->error)
		keep(t, fdt_finish_reservemap(buf));
}

int tree_finish(struct tree *t)
{
	if (!t->error)
		keep(t, fdt_finish(t->fdt));
	return t->error;
}

void tree_begin(struct tree *t, const char *fmt, ...)
{
	size_t at = strlen(t->path), room = sizeof(t->path) - at;
	char name[TREE_PATH_MAX];
	va_list ap;

	if (t->error)
		return;
	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	if (*name && (size_t)snprintf(t->path + at, room, "/%s", name) >= room)
		keep(t, -FDT_ERR_NOSPACE);
	else
		keep(t, fdt_begin_node(t->fdt, name));
}

void tree_end(struct tree *t)
{
	char *slash = strrchr(t->path, '/');

	if (t->error)
		return;
	if (slash)
		*slash = '\0';
	keep(t, fdt_end_node(t->fdt));
}

void tree_label(struct tree *t, uint32_t phandle, const char *fmt, ...)
{
	struct tree_label *label = &t->labels[t->label_count];
	va_list ap;

	if (t->error)
		return;
	if (t->label_count == TREE_LABELS_MAX) {
		keep(t, -FDT_ERR_NOSPACE);
		return;
	}
	va_start(ap, fmt);
	vsnprintf(label->name, sizeof(label->name), fmt, ap);
	va_end(ap);
	for (char *p = label->name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	memcpy(label->path, t->path, sizeof(label->path));
	t->label_count++;
	TREE_CELLS(t, "phandle", phandle ? phandle : PHANDLE_OTHERS + t->label_count);
}

void tree_symbols(struct tree *t)
{
	tree_begin(t, "__symbols__");
	for (unsigned i = 0; i < t->label_count; i++)
		tree_string(t, t->labels[i].name, t->labels[i].path);
	tree_end(t);
}

void tree_bytes(struct tree *t, const char *name, const void *data, size_t size)
{
	if (!t->error)
		keep(t, fdt_property(t->fdt, name, data, (int)size));
}

void tree_flag(struct tree *t, const char *name)
{
	tree_bytes(t, name, NULL, 0);
}

void tree_string(struct tree *t, const char *name, const char *value)
{
	tree_bytes(t, name, value, strlen(value) + 1);
}

void tree_cells(struct tree *t, const char *name, const uint32_t *cells, size_t count)
{
	uint32_t be[CELLS_MAX];

	if (count > CELLS_MAX) {
		keep(t, -FDT_ERR_NOSPACE);
		return;
	}
	for (size_t i = 0; i < count; i++)
		be[i] = htobe32(cells[i]);
	tree_bytes(t, name, be, count * sizeof(be[0]));
}

void tree_u64(struct tree *t, const char *name, uint64_t value)
{
	TREE_CELLS(t, name, TREE_PAIR(value));
}
