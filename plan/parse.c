/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tree -> struct plan, by the tables of schema*.c. A value that is refused leaves its field zero,
 * and reading goes on, so that all mistakes of a plan show at once.
 */
#include "lib/size.h"
#include "plan/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

const char *field_join(char buf[PLAN_FIELD_MAX], const char *field, const char *name)
{
	char safe[EXCERPT_MAX];

	snprintf(buf, PLAN_FIELD_MAX, "%s%s%s", field, *field ? "." : "", excerpt(name, safe));
	return buf;
}

const char *loc_text(const struct diag_loc *loc, char buf[LOC_TEXT_MAX])
{
	if (loc->line)
		snprintf(buf, LOC_TEXT_MAX, "%s:%u:%u", loc->file, loc->line, loc->column);
	else
		snprintf(buf, LOC_TEXT_MAX, "%s", loc->file ? loc->file : "its place is not known");
	return buf;
}

const char *loc_place(const struct diag_loc *loc, char buf[LOC_PLACE_MAX])
{
	char text[LOC_TEXT_MAX];

	buf[0] = '\0';
	if (loc->file)
		snprintf(buf, LOC_PLACE_MAX, " (%s)", loc_text(loc, text));
	return buf;
}

const char *parse_scalar(
	struct parse *p, const struct node *n, const char *field, const char *wanted)
{
	if (n->kind == NODE_SCALAR && !node_is_null(n))
		return n->text;
	if (n->kind == NODE_SCALAR)
		diag_error(p->diags, &n->loc, field, "no value; give %s", wanted);
	else
		diag_error(
			p->diags, &n->loc, field, "this is %s; give %s", node_kind_name(n), wanted);
	return NULL;
}

/* "a, b or c". */
static const char *join_names(const char *const *names, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned i = 0; names[i] && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s",
			i == 0          ? ""
			: !names[i + 1] ? " or "
					: ", ",
			names[i]);
	return buf;
}

static void parse_enum(struct parse *p, const struct key *key, const struct node *n,
	unsigned *ret_value, const char *field)
{
	char wanted[160], buf[EXCERPT_MAX];
	const char *text;

	join_names(key->names, wanted, sizeof(wanted));
	/* A name may be spelled "null" or "none"; it is then no missing value. */
	for (unsigned i = 0; n->kind == NODE_SCALAR && key->names[i]; i++) {
		if (strcmp(n->text, key->names[i]) != 0)
			continue;
		*ret_value = i;
		return;
	}
	text = parse_scalar(p, n, field, wanted);
	if (text)
		diag_error(p->diags, &n->loc, field, "unknown value \"%s\"; use %s",
			excerpt(text, buf), wanted);
}

static void parse_bool(struct parse *p, const struct node *n, bool *ret_value, const char *field)
{
	const char *text = parse_scalar(p, n, field, "true or false");
	char buf[EXCERPT_MAX];

	if (!text)
		return;
	if (n->plain && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
		*ret_value = *text == 't';
	else
		diag_error(p->diags, &n->loc, field,
			"\"%s\" is neither true nor false; write true or false without quotes",
			excerpt(text, buf));
}

/* "512M", or "0x100000" for what is no size. */
static const char *number_text(const struct key *key, uint64_t v, char buf[QUANTITY_MAX])
{
	if (key->type == KEY_SIZE)
		return format_size(v, buf);
	if (key->type == KEY_TIME)
		return format_duration(v, buf);
	snprintf(buf, QUANTITY_MAX, key->type == KEY_COUNT ? "%" PRIu64 : "0x%" PRIx64, v);
	return buf;
}

static bool parse_number(struct parse *p, const struct key *key, const struct node *n,
	uint64_t *ret_value, const char *field)
{
	const char *noun = key->type == KEY_SIZE    ? "a size"
			   : key->type == KEY_TIME  ? "a time"
			   : key->type == KEY_COUNT ? "a number"
						    : "an address";
	const char *example = key->type == KEY_SIZE    ? " such as 512M"
			      : key->type == KEY_TIME  ? " such as 200ms or 30s"
			      : key->type == KEY_COUNT ? ""
						       : " such as 0x100000";
	char wanted[40];
	char buf[EXCERPT_MAX], limit[QUANTITY_MAX];
	const char *text;
	uint64_t v;
	int ret;

	snprintf(wanted, sizeof(wanted), "%s%s", noun, example);
	text = parse_scalar(p, n, field, wanted);
	if (!text)
		return false;
	excerpt(text, buf);
	ret = key->type == KEY_COUNT  ? parse_u64(text, &v)
	      : key->type == KEY_TIME ? parse_duration(text, &v)
				      : parse_size(text, &v);
	if (ret == -EINVAL)
		diag_error(
			p->diags, &n->loc, field, "\"%s\" is not %s; give %s", buf, noun, wanted);
	else if (ret || (key->max && v > key->max))
		diag_error(p->diags, &n->loc, field, "%s is too much; give at most %s", buf,
			number_text(key, key->max, limit));
	else if (v < key->min)
		diag_error(p->diags, &n->loc, field, "%s is too little; give at least %s", buf,
			number_text(key, key->min, limit));
	else if (key->multiple && v % key->multiple)
		diag_error(p->diags, &n->loc, field, "%s is not a multiple of %s; give a multiple",
			buf, number_text(key, key->multiple, limit));
	else
		*ret_value = v;
	return !ret;
}

/* The bytes of a string that the guest, the kernel or a terminal will see. */
static bool string_valid(
	struct parse *p, const char *text, const struct diag_loc *loc, const char *field)
{
	size_t n = strlen(text);

	if (n > PLAN_STRING_MAX) {
		diag_error(p->diags, loc, field, "%zu bytes long; shorten it to %d at most", n,
			PLAN_STRING_MAX);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c != 0x7F)
			continue;
		diag_error(p->diags, loc, field, "control character 0x%02X at byte %zu; remove it",
			c, i + 1);
		return false;
	}
	return true;
}

static void parse_string(struct parse *p, const struct node *n, char **ret_text, const char *field)
{
	const char *text = parse_scalar(p, n, field, "text (\"\" for none)");

	if (text && string_valid(p, text, &n->loc, field))
		*ret_text = arena_strndup(p->arena, text, strlen(text));
}

/* Appends PATH to OUT without its "." components and doubled slashes. ".." stays: what it means
 * depends on symbolic links. */
static char *path_append(char *out, const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n && !(n == 1 && *path == '.')) {
			*out++ = '/';
			memcpy(out, path, n);
			out += n;
		}
		path += n + (path[n] == '/');
	}
	*out = '\0';
	return out;
}

char *parse_path(struct parse *p, const char *text, const struct diag_loc *loc, const char *field)
{
	char *path, *end;

	if (!*text || text[strlen(text) - 1] == '/') {
		diag_error(p->diags, loc, field, "the path names no file; give the path of a file");
		return NULL;
	}
	/* Each component takes the slash before it, and the text a NUL. */
	path = arena_alloc(p->arena, strlen(p->dir) + strlen(text) + 3);
	if (!path)
		return NULL;
	end = path;
	if (*text != '/')
		end = path_append(end, p->dir);
	path_append(end, text);
	return string_valid(p, path, loc, field) ? path : NULL;
}

/* A path of at most key->max bytes, where that is not 0. */
static char *parse_short_path(
	struct parse *p, const struct key *key, const struct node *n, const char *field)
{
	char *path = parse_path(p, n->text, &n->loc, field);
	char buf[EXCERPT_MAX];

	if (!path || !key->max || strlen(path) <= key->max)
		return path;
	diag_error(p->diags, &n->loc, field,
		"%s is a path of %zu bytes, and one of a socket has at most %" PRIu64
		"; choose a shorter one",
		excerpt(path, buf), strlen(path), key->max);
	return NULL;
}

static void parse_version(struct parse *p, const struct node *n, const char *field)
{
	const char *text = parse_scalar(p, n, field, "1");
	char buf[EXCERPT_MAX];

	if (text && strcmp(text, "1") != 0)
		diag_error(p->diags, &n->loc, field,
			"version \"%s\" of the format is not known; use 1", excerpt(text, buf));
}

static void tell_unknown_key(
	struct parse *p, const struct key *keys, const struct node *name, const char *field)
{
	const struct key *like = key_suggest(keys, name->text);
	const char *names[32];
	char wanted[512];
	unsigned count = 0;

	if (like) {
		diag_error(
			p->diags, &name->loc, field, "unknown key; did you mean %s?", like->name);
		return;
	}
	while (keys[count].name && count + 1 < ARRAY_SIZE(names)) {
		names[count] = keys[count].name;
		count++;
	}
	names[count] = NULL;
	diag_error(p->diags, &name->loc, field, "unknown key; use %s",
		join_names(names, wanted, sizeof(wanted)));
}

void check_keys(struct parse *p, const struct key *keys, const struct node *map, const char *field)
{
	for (const struct node_item *i = map->first; i; i = i->next) {
		const struct node_item *first = map->first;
		char sub[PLAN_FIELD_MAX], where[LOC_TEXT_MAX];

		field_join(sub, field, i->key->text);
		while (strcmp(first->key->text, i->key->text) != 0)
			first = first->next;
		if (first != i)
			diag_error(p->diags, &i->key->loc, sub,
				"given twice, first at %s; remove one of the two",
				loc_text(&first->key->loc, where));
		else if (keys && !key_find(keys, i->key->text))
			tell_unknown_key(p, keys, i->key, sub);
	}
}

/* The value of KEY when the plan does not say. */
static void parse_default(struct parse *p, const struct key *key, const struct diag_loc *loc,
	void *base, const char *field)
{
	struct node n = {.kind = NODE_SCALAR, .loc = *loc, .text = key->def, .plain = *key->def};

	parse_value(p, key, &n, base, field);
}

void parse_fields(struct parse *p, const struct key *fields, const struct node *map, void *base,
	const char *field)
{
	check_keys(p, fields, map, field);
	for (const struct key *key = fields; key->name; key++) {
		const struct node *n = node_find(map, key->name);
		char sub[PLAN_FIELD_MAX];

		field_join(sub, field, key->name);
		/* A group's place is replaced by that of its chief part. */
		if (n && key->place)
			*(struct diag_loc *)((char *)base + key->place) = n->loc;
		if (n) {
			parse_value(p, key, n, base, sub);
		} else if (key->def) {
			parse_default(p, key, &map->loc, base, sub);
		} else if (key->required) {
			diag_error(p->diags, &map->loc, sub, "missing; add this key");
		}
	}
}

void parse_value(
	struct parse *p, const struct key *key, const struct node *n, void *base, const char *field)
{
	void *at = (char *)base + key->offset;
	const struct key *inner;
	uint64_t count = 0;

	if (key->nullable && node_is_null(n))
		return;
	switch (key->type) {
	case KEY_ENUM:
		return parse_enum(p, key, n, at, field);
	case KEY_SIZE:
	case KEY_ADDRESS:
	case KEY_TIME:
		parse_number(p, key, n, at, field);
		return;
	case KEY_COUNT:
		if (parse_number(p, key, n, &count, field))
			*(unsigned *)at = (unsigned)count;
		return;
	case KEY_BOOL:
		return parse_bool(p, n, at, field);
	case KEY_STRING:
		return parse_string(p, n, at, field);
	case KEY_PATH:
		if (parse_scalar(p, n, field, "a path"))
			*(char **)at = parse_short_path(p, key, n, field);
		return;
	case KEY_GROUP:
		if (n->kind == NODE_MAP)
			return parse_fields(p, key->fields, n, base, field);
		if (!key->shorthand) {
			diag_error(p->diags, &n->loc, field,
				"%s; give a mapping, such as {%s: ...}",
				node_is_null(n) ? "no value" : "this is no mapping",
				key->fields->name);
			return;
		}
		for (inner = key->fields; inner->name; inner++) {
			if (strcmp(inner->name, key->shorthand) == 0)
				parse_value(p, inner, n, base, field);
			else if (inner->def)
				parse_default(p, inner, &n->loc, base, field);
		}
		return;
	case KEY_VERSION:
		return parse_version(p, n, field);
	case KEY_PARTITIONS:
		return parse_partitions(p, key, n, base, field);
	case KEY_HOUSEKEEPING:
		return parse_housekeeping(p, n, base, field);
	case KEY_CPUS:
		return parse_cpus(p, key, n, base, field);
	case KEY_CPUS_ON:
		return parse_cpus_on(p, n, base, field);
	case KEY_BSP:
		return parse_bsp(p, key, n, at, field);
	case KEY_LIST:
		return parse_list(p, key, n, base, field);
	case KEY_NAMED:
		return parse_named(p, key, n, base, field);
	case KEY_PORTS:
		return parse_ports(p, key, n, base, field);
	case KEY_NODE:
		*(const struct node **)at = n;
		return;
	}
}

/* Somebody must be called when the platform has to be safe. */
static void default_bsp(struct parse *p, struct plan *plan)
{
	struct node n = {.kind = NODE_SCALAR, .text = "none", .plain = true};
	const struct key *bsp = key_find(plan_keys, "bsp");

	for (unsigned i = 0; i < plan->partition_count; i++) {
		if (plan->partitions[i].on_fatal == PLAN_FATAL_SAFE_STATE)
			n.text = "builtin";
	}
	parse_value(p, bsp, &n, plan, bsp->name);
}

void parse_plan(struct parse *p, const struct node *root, struct plan *plan)
{
	if (root->kind != NODE_MAP)
		diag_error(p->diags, &root->loc, NULL,
			"%s instead of a plan; start it with partitions:",
			node_is_null(root) ? "nothing" : node_kind_name(root));
	else
		parse_fields(p, plan_keys, root, plan, "");
	if (root->kind == NODE_MAP && !node_find(root, "bsp"))
		default_bsp(p, plan);
	parse_shared_devices(p, plan);
	if (plan->name && !partition_name_valid(plan->name))
		diag_error(p->diags, &plan->name_loc, "name",
			"not a name for a run; use up to 32 of a-z, 0-9, - and _, the first a "
			"letter");
}
