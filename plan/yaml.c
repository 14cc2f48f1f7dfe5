/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * YAML 1.1 text -> tree, on libyaml's events. Left out on purpose: several documents, tags, merge
 * keys, keys that are no scalars. Aliases share the node they name; an alias cannot name a node
 * that is not complete yet, so there are no cycles.
 */
#include "plan/tree.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

struct anchor {
	const char *name;
	struct node *node;
};

struct builder {
	yaml_parser_t parser;
	const struct tree_source *src;
	struct arena *arena;
	struct diags *diags;
	unsigned nodes;
	struct anchor anchors[TREE_ANCHORS_MAX];
	unsigned anchor_count;
};

const char *excerpt(const char *text, char buf[EXCERPT_MAX])
{
	size_t n = strlen(text), room = EXCERPT_MAX - 4;
	bool cut = n > room;

	if (cut) {
		n = room;
		/* Not in the middle of a UTF-8 sequence. */
		while (n && ((unsigned char)text[n] & 0xC0) == 0x80)
			n--;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		buf[i] = c < 0x20 || c == 0x7F ? '?' : text[i];
	}
	memcpy(buf + n, cut ? "..." : "", cut ? sizeof("...") : sizeof(""));
	return buf;
}

static struct diag_loc builder_loc(const struct builder *b, const yaml_mark_t *mark)
{
	if (b->src->one_line)
		return (struct diag_loc){.file = b->src->name};
	return (struct diag_loc){
		.file = b->src->name,
		.line = (unsigned)mark->line + 1,
		.column = (unsigned)mark->column + 1,
	};
}

/* The place of a byte that libyaml could not decode, for which it keeps no mark. */
static struct diag_loc builder_loc_of_offset(const struct builder *b, size_t offset)
{
	yaml_mark_t mark = {0};

	for (size_t i = 0; i < offset && i < b->src->size; i++) {
		mark.column++;
		if (b->src->text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	return builder_loc(b, &mark);
}

static int report_yaml(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	const char *problem = p->problem ? p->problem : "unreadable";
	struct diag_loc loc;

	if (p->error == YAML_MEMORY_ERROR) {
		b->arena->failed = true;
		return -EINVAL;
	}
	if (p->error == YAML_READER_ERROR) {
		loc = builder_loc_of_offset(b, p->problem_offset);
		diag_error(b->diags, &loc, NULL,
			"not readable as YAML: %s; save the text as UTF-8 without control characters",
			problem);
		return -EINVAL;
	}
	loc = builder_loc(b, &p->problem_mark);
	if (p->problem_mark.index < b->src->size && b->src->text[p->problem_mark.index] == '\t')
		diag_error(b->diags, &loc, NULL,
			"not valid YAML: a tab stands where YAML allows only spaces; "
			"indent with spaces");
	else if (p->context && !b->src->one_line && p->context_mark.line != p->problem_mark.line)
		diag_error(b->diags, &loc, NULL,
			"not valid YAML: %s, %s that starts in line %zu; correct the syntax",
			problem, p->context, p->context_mark.line + 1);
	else
		diag_error(b->diags, &loc, NULL, "not valid YAML: %s%s%s; correct the syntax",
			problem, p->context ? ", " : "", p->context ? p->context : "");
	return -EINVAL;
}

/* The next event, which the caller deletes when 0 is returned. */
static int builder_next(struct builder *b, yaml_event_t *ret_event)
{
	return yaml_parser_parse(&b->parser, ret_event) ? 0 : report_yaml(b);
}

static int refuse(struct builder *b, const struct diag_loc *loc, const char *text)
{
	diag_error(b->diags, loc, NULL, "%s", text);
	return -EINVAL;
}

static struct node *node_create(struct builder *b, enum node_kind kind, const struct diag_loc *loc)
{
	struct node *n = arena_alloc(b->arena, sizeof(*n));

	if (n) {
		n->kind = kind;
		n->loc = *loc;
	}
	return n;
}

static int anchor_add(struct builder *b, const yaml_char_t *name, struct node *n)
{
	struct anchor *a = &b->anchors[b->anchor_count];

	if (!name)
		return 0;
	if (b->anchor_count == TREE_ANCHORS_MAX)
		return refuse(b, &n->loc, "too many anchors; use at most 64");
	a->name = arena_strndup(b->arena, (const char *)name, strlen((const char *)name));
	if (!a->name)
		return -EINVAL;
	a->node = n;
	b->anchor_count++;
	return 0;
}

static int build_alias(
	struct builder *b, const char *name, const struct diag_loc *loc, struct node **ret_node)
{
	char buf[EXCERPT_MAX];

	/* The latest anchor of that name counts [YAML 1.1 3.2.2.2]. */
	for (unsigned i = b->anchor_count; i > 0; i--) {
		struct node *n;

		if (strcmp(b->anchors[i - 1].name, name) != 0)
			continue;
		n = node_create(b, NODE_SCALAR, loc);
		if (!n)
			return -EINVAL;
		*n = *b->anchors[i - 1].node;
		n->loc = *loc;
		*ret_node = n;
		return 0;
	}
	diag_error(b->diags, loc, NULL,
		"alias *%s names nothing that is complete at this point; put &%s before it",
		excerpt(name, buf), buf);
	return -EINVAL;
}

static int build_scalar(struct builder *b, const yaml_event_t *ev, const struct diag_loc *loc,
	struct node **ret_node)
{
	const char *value = (const char *)ev->data.scalar.value;
	struct node *n;

	if (memchr(value, '\0', ev->data.scalar.length))
		return refuse(b, loc, "the text contains a NUL character; remove it");
	n = node_create(b, NODE_SCALAR, loc);
	if (!n)
		return -EINVAL;
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	n->text = arena_strndup(b->arena, value, ev->data.scalar.length);
	if (!n->text)
		return -EINVAL;
	*ret_node = n;
	return anchor_add(b, ev->data.scalar.anchor, n);
}

static int build_node(
	struct builder *b, const yaml_event_t *ev, unsigned depth, struct node **ret_node);

/* What stands before the value of the next item: nothing in a list, a key in a mapping. */
static int build_key(struct builder *b, struct node *parent, const yaml_event_t *ev, unsigned depth,
	struct node **ret_key)
{
	int ret = build_node(b, ev, depth, ret_key);

	if (ret)
		return ret;
	if ((*ret_key)->kind != NODE_SCALAR)
		return refuse(
			b, &(*ret_key)->loc, "a key is a list or a mapping; use a name as the key");
	if ((*ret_key)->plain && strcmp((*ret_key)->text, "<<") == 0)
		return refuse(b, &(*ret_key)->loc,
			"merge keys (<<) are not supported; write the keys out, or alias whole values");
	if (parent->count == TREE_KEYS_MAX)
		return refuse(
			b, &(*ret_key)->loc, "more than 256 keys in one mapping; remove some");
	return 0;
}

static int build_items(struct builder *b, struct node *parent, unsigned depth)
{
	struct node_item **tail = &parent->first;

	for (;;) {
		struct node_item *item;
		yaml_event_t ev;
		int ret = builder_next(b, &ev);

		if (ret)
			return ret;
		if (ev.type == YAML_SEQUENCE_END_EVENT || ev.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&ev);
			return 0;
		}
		item = arena_alloc(b->arena, sizeof(*item));
		ret = item ? 0 : -EINVAL;
		if (!ret && parent->kind == NODE_MAP) {
			ret = build_key(b, parent, &ev, depth, &item->key);
			yaml_event_delete(&ev);
			if (ret)
				return ret;
			ret = builder_next(b, &ev);
			if (ret)
				return ret;
		}
		if (!ret)
			ret = build_node(b, &ev, depth, &item->value);
		yaml_event_delete(&ev);
		if (ret)
			return ret;
		*tail = item;
		tail = &item->next;
		parent->count++;
	}
}

static int build_collection(struct builder *b, enum node_kind kind, const struct diag_loc *loc,
	unsigned depth, struct node **ret_node)
{
	struct node *n;

	if (depth == TREE_DEPTH_MAX)
		return refuse(b, loc, "nested more than 32 deep; no plan needs that");
	n = node_create(b, kind, loc);
	if (!n)
		return -EINVAL;
	*ret_node = n;
	return build_items(b, n, depth + 1);
}

/* The node that begins with EV. Recursion is bounded by TREE_DEPTH_MAX. */
static int build_node(
	struct builder *b, const yaml_event_t *ev, unsigned depth, struct node **ret_node)
{
	struct diag_loc loc = builder_loc(b, &ev->start_mark);
	const yaml_char_t *tag = NULL;
	enum node_kind kind;
	int ret;

	if (++b->nodes > TREE_NODES_MAX)
		return refuse(b, &loc, "more than 65536 values; no plan needs that");
	if (ev->type == YAML_ALIAS_EVENT)
		return build_alias(b, (const char *)ev->data.alias.anchor, &loc, ret_node);
	if (ev->type == YAML_SCALAR_EVENT)
		tag = ev->data.scalar.tag;
	else if (ev->type == YAML_SEQUENCE_START_EVENT)
		tag = ev->data.sequence_start.tag;
	else
		tag = ev->data.mapping_start.tag;
	if (tag)
		return refuse(b, &loc, "tags (!) are not supported; remove it");
	if (ev->type == YAML_SCALAR_EVENT)
		return build_scalar(b, ev, &loc, ret_node);
	kind = ev->type == YAML_SEQUENCE_START_EVENT ? NODE_LIST : NODE_MAP;
	ret = build_collection(b, kind, &loc, depth, ret_node);
	if (ret)
		return ret;
	return anchor_add(b,
		kind == NODE_LIST ? ev->data.sequence_start.anchor : ev->data.mapping_start.anchor,
		*ret_node);
}

/* From the stream's start to its end, which must hold one document. */
static int build_document(struct builder *b, struct node **ret_root)
{
	struct diag_loc start = builder_loc(b, &(yaml_mark_t){0});
	bool found = false;

	for (;;) {
		struct diag_loc loc;
		yaml_event_t ev;
		bool end;
		int ret = builder_next(b, &ev);

		if (ret)
			return ret;
		loc = builder_loc(b, &ev.start_mark);
		end = ev.type == YAML_STREAM_END_EVENT;
		switch (ev.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_STREAM_END_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (found)
				ret = refuse(b, &loc,
					"a second document starts here; keep one document per file");
			found = true;
			break;
		default:
			ret = build_node(b, &ev, 0, ret_root);
		}
		yaml_event_delete(&ev);
		if (ret)
			return ret;
		if (end)
			return found ? 0 : refuse(b, &start, "empty; write a plan");
	}
}

int tree_parse(struct tree *t, const struct tree_source *src, struct diags *diags)
{
	struct builder b = {.src = src, .arena = &t->arena, .diags = diags};
	struct node *root = NULL;
	int ret;

	if (!yaml_parser_initialize(&b.parser)) {
		t->arena.failed = true;
		return -EINVAL;
	}
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)src->text, src->size);
	ret = build_document(&b, &root);
	yaml_parser_delete(&b.parser);
	if (!ret)
		t->root = root;
	return ret;
}

void tree_fini(struct tree *t)
{
	arena_fini(&t->arena);
}

struct node *node_find(const struct node *map, const char *key)
{
	for (const struct node_item *i = map->first; i; i = i->next)
		if (i->key && strcmp(i->key->text, key) == 0)
			return i->value;
	return NULL;
}

bool node_is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->plain &&
	       (!n->text[0] || strcmp(n->text, "null") == 0 || strcmp(n->text, "~") == 0);
}

const char *node_kind_name(const struct node *n)
{
	if (n->kind == NODE_LIST)
		return "a list";
	return n->kind == NODE_MAP ? "a mapping" : "text";
}
