/* SPDX-License-Identifier: BSD-3-Clause */
/* A case's matrix: every combination of its axes, and the suite's variables, put into a copy of it.
 */
#include "suite/schema.h"

#include <errno.h>
#include <string.h>

/* What all copies of one suite may cost. */
#define NODES_MAX 262144

/* Bytes of a text after ${...} was replaced, as far as any key takes. */
#define TEXT_MAX PLAN_STRING_MAX

/* ---- the matrix ---- */

static bool axis_name_valid(const char *name)
{
	static const char *const chars =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return *name && strspn(name, chars) == strlen(name);
}

static bool read_axis(struct expansion *e, const struct node_item *axis, const char *field)
{
	const struct node *values = axis->value;
	char sub[PLAN_FIELD_MAX];

	field_join(sub, field, axis->key->text);
	if (!axis_name_valid(axis->key->text)) {
		diag_error(e->diags, &axis->key->loc, sub,
			"not a name of an axis; use letters, digits, - and _");
		return false;
	}
	if (values->kind != NODE_LIST || !values->count) {
		diag_error(e->diags, &values->loc, sub,
			"an axis is a list of values; give one, such as [1, 2]");
		return false;
	}
	for (const struct node_item *i = values->first; i; i = i->next) {
		if (i->value->kind == NODE_SCALAR)
			continue;
		diag_error(e->diags, &i->value->loc, sub,
			"a value of an axis is %s; give texts or numbers",
			node_kind_name(i->value));
		return false;
	}
	return true;
}

bool matrix_read(
	struct expansion *e, const struct node *node, const char *field, struct matrix *ret_matrix)
{
	struct matrix m = {.total = 1};

	if (node && (node->kind != NODE_MAP || !node->count || node->count > MATRIX_AXES_MAX)) {
		diag_error(e->diags, &node->loc, field,
			"a matrix is a mapping of 1 to %d axes; write it like {vcpus: [1, 2]}",
			MATRIX_AXES_MAX);
		return false;
	}
	for (const struct node_item *i = node ? node->first : NULL; i; i = i->next) {
		if (!read_axis(e, i, field))
			return false;
		m.axes[m.axis_count++] = i;
		if (i->value->count > SUITE_CASES_MAX / m.total) {
			diag_error(e->diags, &i->value->loc, field,
				"more than %d combinations; leave some values out",
				SUITE_CASES_MAX);
			return false;
		}
		m.total *= i->value->count;
	}
	*ret_matrix = m;
	return true;
}

/* The last part of a path, with what no name may have replaced. */
static const char *label_of(struct expansion *e, const char *value)
{
	const char *slash = strrchr(value, '/');
	const char *base = slash && slash[1] ? slash + 1 : value;
	char *label = arena_strndup(e->arena, base, strlen(base));

	for (char *c = label; c && *c; c++) {
		if (!suite_name_char(*c))
			*c = '_';
	}
	return label ? label : "";
}

void matrix_choose(struct expansion *e, const struct matrix *m, unsigned number,
	struct matrix_choice ret_choices[MATRIX_AXES_MAX])
{
	for (unsigned a = m->axis_count; a-- > 0;) {
		const struct node *values = m->axes[a]->value;
		const struct node_item *item = values->first;

		for (unsigned i = number % values->count; i; i--)
			item = item->next;
		number /= values->count;
		ret_choices[a] = (struct matrix_choice){.axis = m->axes[a]->key->text,
			.value = item->value->text,
			.label = label_of(e, item->value->text)};
	}
}

/* ---- variables ---- */

/* What OPTIONS has for the variable NAME, or NULL. */
static const char *given_value(const struct suite_options *options, const char *name)
{
	const char *value = NULL;

	for (unsigned i = 0; i < options->variable_count; i++) {
		struct suite_variable *v = &options->variables[i];

		if (strcmp(v->name, name) != 0)
			continue;
		v->used = true;
		value = v->value;
	}
	return value;
}

static void read_variable(
	struct expansion *e, const struct node_item *item, const struct suite_options *options)
{
	const char *name = item->key->text, *value = given_value(options, name);
	const struct node *n = item->value;
	struct variables *all = &e->variables;
	char field[PLAN_FIELD_MAX];

	field_join(field, "variables", name);
	if (!axis_name_valid(name))
		diag_error(e->diags, &item->key->loc, field,
			"not a name of a variable; use letters, digits, - and _");
	else if (n->kind != NODE_SCALAR)
		diag_error(e->diags, &n->loc, field, "this is %s; give a text or a number",
			node_kind_name(n));
	else if (!value && node_is_null(n))
		diag_error(e->diags, &n->loc, field,
			"it has no value; give one with --var %s=VALUE", name);
	else if (all->count == SUITE_VARS_MAX)
		diag_error(e->diags, &item->key->loc, field, "more than %d variables; remove some",
			SUITE_VARS_MAX);
	else
		all->choices[all->count++] = (struct matrix_choice){.axis = name,
			.value = value ? value : n->text,
			.label = label_of(e, value ? value : n->text)};
}

void variables_read(
	struct expansion *e, const struct node *node, const struct suite_options *options)
{
	if (node && node->kind != NODE_MAP) {
		diag_error(e->diags, &node->loc, "variables",
			"this is %s; give names and values, such as {images: ../build}",
			node_kind_name(node));
		return;
	}
	for (const struct node_item *i = node ? node->first : NULL; i; i = i->next)
		read_variable(e, i, options);
}

/* ---- texts ---- */

struct text {
	char bytes[TEXT_MAX + 1];
	size_t size;
	bool full;
};

static void text_add(struct text *t, const char *bytes, size_t size)
{
	if (size > TEXT_MAX - t->size) {
		t->full = true;
		return;
	}
	memcpy(t->bytes + t->size, bytes, size);
	t->size += size;
}

struct substitution {
	struct expansion *e;
	const struct matrix *m;
	const struct matrix_choice *choices;
};

static const struct matrix_choice *choice_find(
	const struct matrix_choice *choices, unsigned count, const char *name, size_t size)
{
	for (unsigned i = 0; i < count; i++) {
		if (strlen(choices[i].axis) == size && memcmp(choices[i].axis, name, size) == 0)
			return &choices[i];
	}
	return NULL;
}

/* What ${NAME} stands for: an axis, which counts as used, or a variable; or NULL. */
static const struct matrix_choice *meaning(
	const struct substitution *s, const char *name, size_t size, unsigned *ret_used)
{
	const struct matrix_choice *c = choice_find(s->choices, s->m->axis_count, name, size);

	if (c)
		++*ret_used;
	return c ? c : choice_find(s->e->variables.choices, s->e->variables.count, name, size);
}

/* N's text with each ${NAME} replaced; NULL with an error. $${ is a ${ that stays. */
static const char *substitute(
	const struct substitution *s, const struct node *n, bool labels, unsigned *ret_used)
{
	AUTO_FREE struct text *t = calloc(1, sizeof(*t));
	const char *at = n->text, *open;
	char buf[EXCERPT_MAX];

	while (t && (open = strstr(at, "${"))) {
		const char *close = strchr(open, '}');
		const struct matrix_choice *c;

		if (open > at && open[-1] == '$') {
			text_add(t, at, (size_t)(open - at - 1));
			text_add(t, "${", 2);
			at = open + 2;
			continue;
		}
		c = close ? meaning(s, open + 2, (size_t)(close - open - 2), ret_used) : NULL;
		if (!c) {
			diag_error(s->e->diags, &n->loc, NULL,
				"\"%s\": there is no such variable, nor axis of the case's matrix; add "
				"it, or write $${ for a ${ that stays",
				excerpt(open, buf));
			return NULL;
		}
		text_add(t, at, (size_t)(open - at));
		text_add(t, labels ? c->label : c->value, strlen(labels ? c->label : c->value));
		at = close + 1;
	}
	if (t)
		text_add(t, at, strlen(at));
	if (t && t->full) {
		diag_error(s->e->diags, &n->loc, NULL,
			"longer than %d bytes with the matrix's values in it; shorten it",
			TEXT_MAX);
		return NULL;
	}
	return t ? arena_strndup(s->e->arena, t->bytes, t->size) : NULL;
}

/* ---- the copy ---- */

static struct node *copy_node(
	const struct substitution *s, const struct node *n, const struct node_item *skip);

static bool copy_items(const struct substitution *s, const struct node *n,
	const struct node_item *skip, struct node *ret_copy)
{
	struct node_item **tail = &ret_copy->first;

	ret_copy->first = NULL;
	ret_copy->count = 0;
	for (const struct node_item *i = n->first; i; i = i->next) {
		struct node_item *item;

		if (i == skip)
			continue;
		item = arena_alloc(s->e->arena, sizeof(*item));
		if (!item)
			return false;
		item->key = i->key;
		item->value = copy_node(s, i->value, NULL);
		if (!item->value)
			return false;
		*tail = item;
		tail = &item->next;
		ret_copy->count++;
	}
	return true;
}

/* Recursion is bounded by the depth of the tree. */
static struct node *copy_node(
	const struct substitution *s, const struct node *n, const struct node_item *skip)
{
	struct node *copy;
	unsigned used = 0;

	if (++s->e->nodes > NODES_MAX) {
		diag_error(s->e->diags, &n->loc, NULL,
			"the matrices of this suite make more than %d values; split it", NODES_MAX);
		return NULL;
	}
	copy = arena_alloc(s->e->arena, sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = *n;
	if (n->kind == NODE_SCALAR) {
		copy->text = strstr(n->text, "${") ? substitute(s, n, false, &used) : n->text;
		return copy->text ? copy : NULL;
	}
	return copy_items(s, n, skip, copy) ? copy : NULL;
}

struct node *variables_apply(struct expansion *e, const struct node *n)
{
	static const struct matrix no_matrix;
	const struct substitution s = {.e = e, .m = &no_matrix};

	return copy_node(&s, n, NULL);
}

/* The name, which the labels follow if it uses none. */
static bool name_copy(const struct substitution *s, struct node *copy, const struct node *name)
{
	AUTO_FREE struct text *t = calloc(1, sizeof(*t));
	unsigned used = 0;
	const char *text = substitute(s, name, true, &used);

	if (!t || !text)
		return false;
	copy->text = text;
	if (used || !s->m->axis_count)
		return true;
	text_add(t, text, strlen(text));
	for (unsigned i = 0; i < s->m->axis_count; i++) {
		text_add(t, i ? "," : ":", 1);
		text_add(t, s->choices[i].label, strlen(s->choices[i].label));
	}
	copy->text = arena_strndup(s->e->arena, t->bytes, t->size);
	return copy->text;
}

struct node *matrix_apply(struct expansion *e, const struct matrix *m,
	const struct matrix_choice *choices, const struct node *map)
{
	const struct substitution s = {.e = e, .m = m, .choices = choices};
	const struct node *name = node_find(map, "name");
	const struct node_item *skip = map->first;
	struct node *copy, *copied_name;

	while (skip && strcmp(skip->key->text, "matrix") != 0)
		skip = skip->next;
	copy = copy_node(&s, map, skip);
	copied_name = copy ? node_find(copy, "name") : NULL;
	if (copied_name && name->kind == NODE_SCALAR && !name_copy(&s, copied_name, name))
		return NULL;
	return copy;
}
