/* SPDX-License-Identifier: BSD-3-Clause */
/* The parser of ports: words, words with a value ("file:PATH"), mappings. */
#include "plan/schema.h"

#include <string.h>

/* The keys of a mapping that say where a port's bytes go, and whose values a word may carry. */
static const struct {
	const char *name;
	enum plan_port_kind kind;
} ways[] = {
	{"to", PLAN_PORT_NONE}, /* the value says it */
	{"file", PLAN_PORT_FILE},
	{"socket", PLAN_PORT_SOCKET},
	{"link", PLAN_PORT_LINK},
};

/* What messages ask for. */
static const char *wanted(const struct key *key)
{
	return key_find(key->fields, "link")
		       ? "console, none, null, pty, file:PATH, socket:PATH or link:PARTITION.PORT"
		       : "console, none, null, pty, file:PATH or socket:PATH";
}

/* All keys, and of those that say where bytes go just one. */
static void parse_mapping(struct parse *p, const struct key *key, const struct node *n,
	struct plan_port *port, const char *field)
{
	unsigned count = 0;

	parse_fields(p, key->fields, n, port, field);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		if (!node_find(n, ways[i].name) || !key_find(key->fields, ways[i].name))
			continue;
		count++;
		if (ways[i].kind)
			port->kind = ways[i].kind;
	}
	/* What its value is has been refused, if it is nothing: not twice. */
	if (count == 1)
		return;
	diag_error(p->diags, &n->loc, field,
		"%s where its bytes go; give one of to, file%s and socket",
		count ? "several keys say" : "no key says",
		key_find(key->fields, "link") ? ", link" : "");
}

/* "file:PATH" and the like. False when TEXT is none of them. */
static bool parse_prefixed(struct parse *p, const struct key *key, const struct node *n,
	struct plan_port *port, const char *field)
{
	for (size_t i = 1; i < ARRAY_SIZE(ways); i++) {
		const struct key *way = key_find(key->fields, ways[i].name);
		size_t length = strlen(ways[i].name);
		struct node value = *n;

		if (!way || strncmp(n->text, way->name, length) != 0 || n->text[length] != ':')
			continue;
		value.text = n->text + length + 1;
		value.plain = false;
		port->kind = ways[i].kind;
		parse_value(p, way, &value, port, field);
		return true;
	}
	return false;
}

static void parse_port(struct parse *p, const struct key *key, const struct node *n,
	struct plan_port *port, const char *field)
{
	const char *text;
	char buf[EXCERPT_MAX];

	port->loc = n->loc;
	port->kind = PLAN_PORT_NULL;
	if (n->kind == NODE_MAP) {
		parse_mapping(p, key, n, port, field);
		return;
	}
	if (n->kind == NODE_SCALAR && parse_prefixed(p, key, n, port, field))
		return;
	/* Here null is the name of a kind, not a missing value. */
	for (unsigned i = 0; n->kind == NODE_SCALAR && port_words[i]; i++) {
		if (strcmp(n->text, port_words[i]) != 0)
			continue;
		port->kind = i;
		return;
	}
	text = parse_scalar(p, n, field, wanted(key));
	if (text)
		diag_error(p->diags, &n->loc, field, "unknown port \"%s\"; use %s",
			excerpt(text, buf), wanted(key));
}

void parse_ports(
	struct parse *p, const struct key *key, const struct node *n, void *base, const char *field)
{
	void *array = (char *)base + key->offset;
	struct plan_port *ports = array;
	unsigned at = 0;

	if (n->kind != NODE_LIST) {
		diag_error(p->diags, &n->loc, field,
			"this is %s; give a list, such as [console] or [console, file:log.txt]",
			node_is_null(n) ? "no value" : node_kind_name(n));
		return;
	}
	if (n->count > key->max) {
		diag_error(p->diags, &n->loc, field, "%u ports; give at most %u", n->count,
			(unsigned)key->max);
		return;
	}
	if (key->list) {
		if (!n->count) {
			diag_error(p->diags, &n->loc, field,
				"no port is listed; list one, or leave the key out");
			return;
		}
		ports = arena_alloc(p->arena, n->count * sizeof(*ports));
		if (!ports)
			return;
		*(struct plan_port **)array = ports;
		*(unsigned *)((char *)base + key->list->count) = n->count;
	} else {
		ports[0].kind = PLAN_PORT_NONE;
	}
	for (const struct node_item *i = n->first; i; i = i->next, at++) {
		char index[16], sub[PLAN_FIELD_MAX];

		snprintf(index, sizeof(index), "%u", at);
		parse_port(p, key, i->value, &ports[at], field_join(sub, field, index));
	}
}
