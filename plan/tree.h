/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * YAML as a tree whose every node knows where it was written, and the overrides of --set on it.
 * Nodes that an alias repeats are shared, so trees are read-only but for tree_override, which
 * copies what it changes.
 */
#ifndef PLAN_TREE_H
#define PLAN_TREE_H

#include "lib/diag.h"
#include "plan/arena.h"

#include <stddef.h>

/* Bounds on what a plan may cost us; the nodes of the largest legal plan stay well below. */
#define TREE_TEXT_MAX    ((size_t)1 << 20) /* bytes */
#define TREE_NODES_MAX   65536
#define TREE_DEPTH_MAX   32
#define TREE_ANCHORS_MAX 64
#define TREE_KEYS_MAX    256 /* in one mapping: keys are looked up one after the other */

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node_item {
	struct node_item *next;
	struct node *key; /* a scalar; NULL in a list */
	struct node *value;
};

struct node {
	enum node_kind kind;
	struct diag_loc loc;
	const char *text; /* scalar: NUL-terminated UTF-8 */
	bool plain;       /* scalar: without quotes, so that null means nothing */
	unsigned count;   /* list, map */
	struct node_item *first;
};

struct tree {
	struct arena arena; /* the nodes and their text, but not the names in their locations */
	struct node *root;
};

struct tree_source {
	const char *name; /* becomes loc.file: outlives every use of the nodes' locations */
	const char *text;
	size_t size;
	bool one_line; /* an option's value: locations carry no line */
};

/* Reads one YAML document. 0, or -EINVAL with an error in DIAGS. */
int tree_parse(struct tree *t, const struct tree_source *src, struct diags *diags);

/*
 * Applies OVERRIDE, "partitions.linux.memory=1G": the value, itself YAML, takes the place of the
 * node at that path; mappings on the way are created as needed. NAME stands for it in messages and
 * locations, as in tree_source. 0, or -EINVAL with an error in DIAGS.
 */
int tree_override(struct tree *t, const char *override, const char *name, struct diags *diags);

void tree_fini(struct tree *t);

/* The value of KEY in MAP, or NULL. */
struct node *node_find(const struct node *map, const char *key);

/* True for null, ~ and nothing at all, all without quotes. */
bool node_is_null(const struct node *n);

/* "a list", "a mapping", "text". */
const char *node_kind_name(const struct node *n);

/* TEXT fit for a message: shortened, without control characters. */
#define EXCERPT_MAX 64
const char *excerpt(const char *text, char buf[EXCERPT_MAX]);

#endif
