/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --set: "partitions.linux.memory=1G" puts a node into the tree before it is checked against the
 * schema. Only the nodes on the way are copied, so what an alias shares elsewhere stays as it is.
 */
#include "plan/schema.h"

#include <errno.h>
#include <string.h>

#define SEGMENTS_MAX 16

struct override {
	struct tree *tree;
	struct diags *diags;
	struct diag_loc loc;
	char *segments[SEGMENTS_MAX];
	unsigned count;
	struct node *value;
};

static int refuse(const struct override *o, const char *text)
{
	diag_error(o->diags, &o->loc, NULL, "%s", text);
	return -EINVAL;
}

/* Splits the path, which is written into. */
static int split_path(struct override *o, char *path)
{
	for (char *rest = path, *segment; (segment = strsep(&rest, "."));) {
		if (!*segment)
			return refuse(o, "the key has an empty part; "
					 "write it like partitions.NAME.memory=1G");
		if (o->count == SEGMENTS_MAX)
			return refuse(o, "the key has more than 16 parts; "
					 "write it like partitions.NAME.memory=1G");
		o->segments[o->count++] = segment;
	}
	return 0;
}

/* The index that segment AT is, or -1. */
static long segment_index(const struct override *o, unsigned at)
{
	const char *s = o->segments[at];

	if (!*s || strlen(s) > 4 || strspn(s, "0123456789") != strlen(s))
		return -1;
	return strtol(s, NULL, 10);
}

static struct node *new_node(struct override *o, enum node_kind kind)
{
	struct node *n = arena_alloc(&o->tree->arena, sizeof(*n));

	if (n) {
		n->kind = kind;
		n->loc = o->loc;
	}
	return n;
}

/* Adds KEY (NULL in a list) with VALUE at the end of N. */
static struct node_item *append(
	struct override *o, struct node *n, struct node *key, struct node *value)
{
	struct node_item *item = arena_alloc(&o->tree->arena, sizeof(*item)), **tail = &n->first;

	if (!item)
		return NULL;
	item->key = key;
	item->value = value;
	while (*tail)
		tail = &(*tail)->next;
	*tail = item;
	n->count++;
	return item;
}

/* Nothing says what would stand before element AT of a list that is not there. */
static struct node *refuse_new_list(const struct override *o, unsigned at)
{
	const char *name = at ? o->segments[at - 1] : "partitions";

	diag_error(o->diags, &o->loc, NULL,
		"the plan gives no %s list; set it as a whole, such as %s=[%s]", name, name,
		strcmp(name, "serial") == 0 ? "console, pty" : "FIRST, SECOND");
	return NULL;
}

/*
 * What segment AT is to be looked up in: a copy of N, if it is a mapping or list; a new one, if it
 * is missing; and a short form ("memory: 512M") written out ("memory: {size: 512M}").
 */
static struct node *open_node(struct override *o, const struct node *n, unsigned at)
{
	enum node_kind missing = segment_index(o, at) >= 0 ? NODE_LIST : NODE_MAP;
	const struct key *key;
	struct node *copy, *name;

	if (!n && segment_index(o, at) > 0)
		return refuse_new_list(o, at);
	copy = new_node(o, n && n->kind != NODE_SCALAR ? n->kind : missing);
	if (!copy || !n)
		return copy;
	copy->loc = n->loc;
	if (n->kind != NODE_SCALAR) {
		for (const struct node_item *i = n->first; i; i = i->next)
			if (!append(o, copy, i->key, i->value))
				return NULL;
		return copy;
	}
	/* partitions.NAME.KEY.FIELD */
	key = at == 3 ? key_find(partition_keys, o->segments[2]) : NULL;
	if (!key || key->type != KEY_GROUP) {
		diag_error(o->diags, &o->loc, NULL,
			"%s is a single value and has no parts; set it as a whole",
			at ? o->segments[at - 1] : "the plan");
		return NULL;
	}
	name = new_node(o, NODE_SCALAR);
	if (!name)
		return NULL;
	name->text = key->shorthand;
	name->loc = n->loc;
	return append(o, copy, name, (struct node *)(uintptr_t)n) ? copy : NULL;
}

/* The item that segment AT names in N, created when it is missing; NULL with an error. */
static struct node_item *open_item(struct override *o, struct node *n, unsigned at)
{
	const char *segment = o->segments[at];
	struct node_item *item = n->first;
	struct node *key = NULL;
	long index;

	if (n->kind == NODE_LIST) {
		index = segment_index(o, at);
		if (index < 0 || index > (long)n->count) {
			const char *name = at ? o->segments[at - 1] : "the plan";

			if (n->count)
				diag_error(o->diags, &o->loc, NULL,
					"%s is a list of %u; use an index from 0 to %u, or set the "
					"list",
					name, n->count, n->count);
			else
				diag_error(o->diags, &o->loc, NULL,
					"%s is empty; use index 0, or set the list", name);
			return NULL;
		}
		for (; item && index; index--)
			item = item->next;
	} else {
		while (item && strcmp(item->key->text, segment) != 0)
			item = item->next;
		key = item ? NULL : new_node(o, NODE_SCALAR);
		if (key)
			key->text = segment;
		else if (!item)
			return NULL;
	}
	return item ? item : append(o, n, key, NULL);
}

/* A misspelled partition would become a new one, and miss all its other keys. */
static int check_partition(const struct override *o)
{
	const struct node *partitions;
	char name[EXCERPT_MAX], known[EXCERPT_MAX];

	if (o->count < 3 || strcmp(o->segments[0], "partitions") != 0)
		return 0;
	partitions =
		o->tree->root->kind == NODE_MAP ? node_find(o->tree->root, "partitions") : NULL;
	if (!partitions || partitions->kind != NODE_MAP || !partitions->first ||
		node_find(partitions, o->segments[1]))
		return 0;
	diag_error(o->diags, &o->loc, NULL,
		"the plan has no partition %s; name one that it has, such as %s",
		excerpt(o->segments[1], name), excerpt(partitions->first->key->text, known));
	return -EINVAL;
}

static int apply(struct override *o)
{
	struct node **at = &o->tree->root;

	if (check_partition(o))
		return -EINVAL;
	for (unsigned i = 0; i < o->count; i++) {
		struct node *n = open_node(o, *at, i);
		struct node_item *item = n ? open_item(o, n, i) : NULL;

		if (!item)
			return -EINVAL;
		*at = n;
		at = &item->value;
	}
	*at = o->value;
	return 0;
}

int tree_override(struct tree *t, const char *override, const char *name, struct diags *diags)
{
	struct override o = {.tree = t, .diags = diags, .loc = {.file = name}};
	struct node *root = t->root;
	const char *eq = strchr(override, '=');
	struct tree_source src = {.name = name, .one_line = true};
	char *path;
	int ret;

	if (!eq || eq == override)
		return refuse(&o, "not KEY=VALUE; write it like partitions.NAME.memory=1G");
	path = arena_strndup(&t->arena, override, (size_t)(eq - override));
	if (!path)
		return -EINVAL;
	ret = split_path(&o, path);
	if (ret)
		return ret;
	src.text = eq + 1;
	src.size = strlen(eq + 1);
	if (!src.size)
		return refuse(&o, "no value after =; write null or \"\" if that is what is meant");
	if (src.size > TREE_TEXT_MAX)
		return refuse(&o, "the value is longer than 1 MiB; shorten it");
	ret = tree_parse(t, &src, diags);
	o.value = t->root;
	t->root = root;
	return ret ? ret : apply(&o);
}
