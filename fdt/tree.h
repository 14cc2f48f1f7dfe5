/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A flattened device tree in the making, written in order through libfdt. The first error of libfdt
 * is kept and everything after it does nothing, so that whoever emits checks once, in tree_finish.
 * Internal to fdt/; one thread.
 */
#ifndef FDT_TREE_H
#define FDT_TREE_H

#include "lib/util.h"

#include <stddef.h>
#include <stdint.h>

#define TREE_LABELS_MAX 192
#define TREE_PATH_MAX   96

/* A name that an overlay may call a node by. */
struct tree_label {
	char name[16];
	char path[TREE_PATH_MAX];
};

struct tree {
	void *fdt;
	int error; /* the first error of libfdt, which is negative; 0: none */
	/* The path of the node that is open; "" for the root. */
	char path[TREE_PATH_MAX];
	struct tree_label labels[TREE_LABELS_MAX];
	unsigned label_count;
};

/* Starts a tree in BUF, which has SIZE bytes. */
void tree_init(struct tree *t, void *buf, size_t size);
/* Ends it: 0, or the first error. */
int tree_finish(struct tree *t);

/* Opens a node inside the one that is open; the first one is the root, named "". */
void tree_begin(struct tree *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
void tree_end(struct tree *t);

/*
 * Gives the open node a label, in lower case, and the phandle that it takes: PHANDLE, or if that is
 * 0 one that no other node has.
 */
void tree_label(struct tree *t, uint32_t phandle, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The node __symbols__ with all labels, as dtc -@ makes it. */
void tree_symbols(struct tree *t);

/* Properties of the open node. */
void tree_flag(struct tree *t, const char *name);
void tree_string(struct tree *t, const char *name, const char *value);
void tree_bytes(struct tree *t, const char *name, const void *data, size_t size);
void tree_cells(struct tree *t, const char *name, const uint32_t *cells, size_t count);
void tree_u64(struct tree *t, const char *name, uint64_t value);

/* A list of strings: a literal with NULs between them. */
#define TREE_STRINGS(t, name, literal) tree_bytes(t, name, literal, sizeof(literal))
/* Cells, listed. */
#define TREE_CELLS(t, name, ...)                                                                   \
	tree_cells(t, name, (const uint32_t[]){__VA_ARGS__},                                       \
		ARRAY_SIZE(((const uint32_t[]){__VA_ARGS__})))
/* A 64-bit number as two cells of a list. */
#define TREE_PAIR(v) (uint32_t)((uint64_t)(v) >> 32), (uint32_t)(v)

#endif
