/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keys whose values are no plain scalars: cores, modules, serial ports.
 */
#include "plan/schema.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ---- cores ---- */

static int core_number(const char **text, unsigned *ret_number)
{
	unsigned long v;
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	errno = 0;
	v = strtoul(*text, &end, 10);
	if (errno || v > UINT32_MAX)
		return -ERANGE;
	*ret_number = (unsigned)v;
	*text = end;
	return 0;
}

int corelist_next(const char **text, unsigned *ret_first, unsigned *ret_last)
{
	const char *at = *text;
	unsigned first, last;
	int ret;

	if (!*at)
		return 0;
	ret = core_number(&at, &first);
	if (ret)
		return ret;
	last = first;
	if (*at == '-') {
		at++;
		ret = core_number(&at, &last);
		if (ret)
			return ret;
	}
	if (last < first)
		return -EINVAL;
	if (*at == ',') {
		at++;
		while (*at == ' ')
			at++;
		if (!*at)
			return -EINVAL;
	} else if (*at) {
		return -EINVAL;
	}
	*ret_first = first;
	*ret_last = last;
	*text = at;
	return 1;
}

struct core_set {
	bool seen[PLAN_CORES_MAX];
	unsigned cores[PLAN_CORES_MAX]; /* in the order written */
	unsigned count;
};

static bool add_range(struct parse *p, struct core_set *set, unsigned first, unsigned last,
	const struct node *n, const char *field)
{
	if (last >= PLAN_CORES_MAX) {
		diag_error(p->diags, &n->loc, field,
			"there is no core %u on any host we know; give cores from 0 to %d", last,
			PLAN_CORES_MAX - 1);
		return false;
	}
	for (unsigned c = first; c <= last; c++) {
		if (set->seen[c]) {
			diag_error(p->diags, &n->loc, field,
				"core %u is listed twice; list each core once", c);
			return false;
		}
		set->seen[c] = true;
		set->cores[set->count++] = c;
	}
	return true;
}

static bool add_cores(
	struct parse *p, struct core_set *set, const struct node *n, const char *field)
{
	const char *text = parse_scalar(p, n, field, "cores, such as [2, 3] or 2-3");
	const char *at = text;
	char buf[EXCERPT_MAX];
	unsigned first, last;
	int ret;

	if (!text)
		return false;
	while ((ret = corelist_next(&at, &first, &last)) > 0)
		if (!add_range(p, set, first, last, n, field))
			return false;
	if (ret || at == text) {
		diag_error(p->diags, &n->loc, field,
			"\"%s\" is not a core or range of cores; write [2, 3] or 2-3",
			excerpt(text, buf));
		return false;
	}
	return true;
}

/* The cores in N, a list or a scalar; *RET_CORES is in the plan's arena. */
static bool parse_core_set(struct parse *p, const struct node *n, const char *field,
	unsigned *ret_count, unsigned **ret_cores)
{
	AUTO_FREE struct core_set *set = calloc(1, sizeof(*set));
	bool ok = true;
	unsigned *cores;

	if (!set) {
		p->arena->failed = true;
		return false;
	}
	if (n->kind == NODE_LIST) {
		for (const struct node_item *i = n->first; i; i = i->next)
			ok &= add_cores(p, set, i->value, field);
	} else {
		ok = add_cores(p, set, n, field);
	}
	if (!ok)
		return false;
	if (!set->count) {
		diag_error(p->diags, &n->loc, field, "no core is listed; list at least one");
		return false;
	}
	cores = arena_alloc(p->arena, set->count * sizeof(*cores));
	if (!cores)
		return false;
	memcpy(cores, set->cores, set->count * sizeof(*cores));
	*ret_cores = cores;
	*ret_count = set->count;
	return true;
}

void parse_housekeeping(struct parse *p, const struct node *n, struct plan *plan, const char *field)
{
	plan->housekeeping_loc = n->loc;
	parse_core_set(p, n, field, &plan->housekeeping_count, &plan->housekeeping);
}

void parse_cpus_on(struct parse *p, const struct node *n, struct plan_cpus *cpus, const char *field)
{
	parse_core_set(p, n, field, &cpus->core_count, &cpus->cores);
}

void parse_cpus(struct parse *p, const struct key *key, const struct node *n,
	struct plan_partition *part, const char *field)
{
	struct plan_cpus *cpus = &part->cpus;

	if (n->kind == NODE_MAP) {
		cpus->shared = true;
		parse_fields(p, key->fields, n, cpus, field);
		return;
	}
	/* "cpus: 2" reads as two CPUs to some and as CPU 2 to others. */
	if (n->kind == NODE_SCALAR && *n->text &&
		strspn(n->text, "0123456789") == strlen(n->text)) {
		char buf[EXCERPT_MAX];

		excerpt(n->text, buf);
		diag_error(p->diags, &n->loc, field,
			"%s may mean one core or a number of vCPUs; write [%s] to own core %s, or "
			"{count: %s} for %s vCPUs on shared cores",
			buf, buf, buf, buf, buf);
		return;
	}
	if (!parse_core_set(p, n, field, &cpus->core_count, &cpus->cores))
		return;
	if (cpus->core_count > PLAN_VCPUS_MAX)
		diag_error(p->diags, &n->loc, field, "%u vCPUs; a partition has at most %d",
			cpus->core_count, PLAN_VCPUS_MAX);
	cpus->vcpus = cpus->core_count;
}

/* ---- lists of mappings ---- */

/* An element whose keys depend on its type, or a type alone. */
static void parse_variant(struct parse *p, const struct key_list *list, const struct node *n,
	void *at, const char *field)
{
	const struct key *type = &list->variants[0][0];
	struct node name = {.kind = NODE_SCALAR, .loc = n->loc, .text = type->name};
	struct node_item item = {.key = &name, .value = (struct node *)(uintptr_t)n};
	const struct node alone = {.kind = NODE_MAP, .loc = n->loc, .count = 1, .first = &item};
	const struct node *map = n->kind == NODE_SCALAR ? &alone : n, *value;
	unsigned variant = 0;

	if (map->kind != NODE_MAP) {
		diag_error(p->diags, &n->loc, field, "this is %s; give a type, or a mapping",
			node_kind_name(n));
		return;
	}
	value = node_find(map, type->name);
	for (unsigned i = 0; value && value->kind == NODE_SCALAR && type->names[i]; i++) {
		if (strcmp(value->text, type->names[i]) == 0)
			variant = i + 1;
	}
	if (variant) {
		parse_fields(p, list->variants[variant - 1], map, at, field);
	} else {
		/* The one key that is the same for all: it is missing, or its value not known. */
		const struct key only_type[] = {*type, {0}};
		const struct node wrong = {.kind = NODE_MAP,
			.loc = map->loc,
			.count = value ? 1 : 0,
			.first = value ? &item : NULL};

		item.value = (struct node *)(uintptr_t)value;
		parse_fields(p, only_type, &wrong, at, field);
	}
}

void parse_list(
	struct parse *p, const struct key *key, const struct node *n, void *base, const char *field)
{
	struct key element = {
		.type = KEY_GROUP, .fields = key->fields, .shorthand = key->shorthand};
	const struct key_list *list = key->list;
	unsigned *count = (unsigned *)((char *)base + list->count);
	char *at;

	if (n->kind != NODE_LIST) {
		diag_error(p->diags, &n->loc, field, "this is %s; give a list, such as %s",
			node_is_null(n) ? "no value" : node_kind_name(n), list->example);
		return;
	}
	if (n->count > key->max) {
		diag_error(p->diags, &n->loc, field, "%u %s; give at most %" PRIu64, n->count,
			list->what, key->max);
		return;
	}
	at = arena_alloc(p->arena, (n->count + 1) * list->element_size);
	if (!at)
		return;
	*(void **)((char *)base + key->offset) = at;
	for (const struct node_item *i = n->first; i; i = i->next, at += list->element_size) {
		char index[16], sub[PLAN_FIELD_MAX];

		snprintf(index, sizeof(index), "%u", (*count)++);
		*(struct diag_loc *)(at + list->element_loc) = i->value->loc;
		field_join(sub, field, index);
		if (list->variants)
			parse_variant(p, list, i->value, at, sub);
		else
			parse_value(p, &element, i->value, at, sub);
	}
}

void parse_named(
	struct parse *p, const struct key *key, const struct node *n, void *base, const char *field)
{
	const struct key_list *list = key->list;
	unsigned *count = (unsigned *)((char *)base + list->count);
	char *at;

	if (n->kind != NODE_MAP) {
		diag_error(p->diags, &n->loc, field, "this is %s; give a mapping, such as %s",
			node_is_null(n) ? "no value" : node_kind_name(n), list->example);
		return;
	}
	check_keys(p, NULL, n, field);
	if (n->count > key->max) {
		diag_error(p->diags, &n->loc, field, "%u %s; give at most %" PRIu64, n->count,
			list->what, key->max);
		return;
	}
	at = arena_alloc(p->arena, (n->count + 1) * list->element_size);
	if (!at)
		return;
	*(void **)((char *)base + key->offset) = at;
	for (const struct node_item *i = n->first; i; i = i->next, at += list->element_size) {
		const char *name = i->key->text;
		char sub[PLAN_FIELD_MAX];

		(*count)++;
		*(struct diag_loc *)(at + list->element_loc) = i->key->loc;
		*(char **)(at + list->element_name) = arena_strndup(p->arena, name, strlen(name));
		parse_variant(p, list, i->value, at, field_join(sub, field, name));
	}
}

/* ---- the BSP ---- */

void parse_bsp(struct parse *p, const struct key *key, const struct node *n, struct plan_bsp *bsp,
	const char *field)
{
	const char *text = parse_scalar(p, n, field, "builtin, none or a path");

	if (!text)
		return;
	for (unsigned i = 0; key->names[i]; i++) {
		bsp->kind = i;
		if (strcmp(text, key->names[i]) == 0)
			return;
	}
	bsp->kind = PLAN_BSP_FILE;
	bsp->path = parse_path(p, text, &n->loc, field);
}
