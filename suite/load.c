/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text -> tree -> cases, each with its plan. All mistakes of a suite show at once; of a case that
 * is repeated by a matrix, those of the first repetition that has any.
 */
#include "suite/schema.h"

#include "lib/util.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define DEFAULT_TIMEOUT_NS ((uint64_t)60 * 1000000000)
#define DEFAULT_SILENCE_NS ((uint64_t)5 * 1000000000)
#define DEFAULT_MEMORY     "128M"

struct suite_box {
	struct arena arena;
	struct suite suite;
	unsigned room; /* of suite.cases */
};

struct loader {
	struct suite_box *box;
	const struct suite_options *options;
	struct diags *diags;
	const char *dir;    /* absolute */
	struct arena nodes; /* of the tree's copies */
	struct suite_source source;
};

bool suite_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("._+=,:@-", c));
}

static bool name_valid(const char *name)
{
	size_t n = 0;

	while (suite_name_char(name[n]))
		n++;
	return n && !name[n] && n <= SUITE_NAME_MAX && *name != '.' && *name != '-';
}

/* ---- the plan ---- */

static struct node *scalar_node(struct loader *l, const struct diag_loc *loc, const char *text)
{
	struct node *n = arena_alloc(&l->nodes, sizeof(*n));

	if (n)
		*n = (struct node){.kind = NODE_SCALAR, .loc = *loc, .text = text, .plain = true};
	return n;
}

static struct node *map_node(struct loader *l, const struct diag_loc *loc)
{
	struct node *n = arena_alloc(&l->nodes, sizeof(*n));

	if (n)
		*n = (struct node){.kind = NODE_MAP, .loc = *loc};
	return n;
}

/* Adds KEY: VALUE at the end. */
static void map_add(struct loader *l, struct node *map, struct node *key, struct node *value)
{
	struct node_item *item = arena_alloc(&l->nodes, sizeof(*item)), **tail;

	if (!item || !key || !value)
		return;
	*item = (struct node_item){.key = key, .value = value};
	for (tail = &map->first; *tail;)
		tail = &(*tail)->next;
	*tail = item;
	map->count++;
}

/* The same for a key that the text has not. */
static void map_set(struct loader *l, struct node *map, const char *key, struct node *value)
{
	if (value)
		map_add(l, map, scalar_node(l, &value->loc, key), value);
}

/* The keys of MAP, and those of OTHERS (NULL: none) that it has not. */
static struct node *merged(struct loader *l, const struct node *map, const struct node *others)
{
	struct node *all = map_node(l, &map->loc);

	if (!all)
		return NULL;
	for (const struct node_item *i = map->first; i; i = i->next)
		map_add(l, all, i->key, i->value);
	for (const struct node_item *i = others ? others->first : NULL; i; i = i->next) {
		if (!node_find(all, i->key->text))
			map_add(l, all, i->key, i->value);
	}
	return all;
}

/* {size: SIZE, lock: false} */
static struct node *memory_node(struct loader *l, const struct diag_loc *loc, const char *size)
{
	struct node *memory = map_node(l, loc);

	if (memory) {
		map_set(l, memory, "lock", scalar_node(l, loc, "false"));
		map_set(l, memory, "size", scalar_node(l, loc, size));
	}
	return memory;
}

/* The keys of the partition N, and those that it has without saying so. */
static struct node *complete_partition(struct loader *l, const struct node *n)
{
	struct node *map = merged(l, n, l->source.partition), *cpus = map_node(l, &n->loc);
	struct node_item *memory;

	if (!map || !cpus)
		return NULL;
	if (!node_find(map, "cpus")) {
		map_set(l, cpus, "count", scalar_node(l, &n->loc, "1"));
		map_set(l, map, "cpus", cpus);
	}
	if (!node_find(map, "memory"))
		map_set(l, map, "memory", memory_node(l, &n->loc, DEFAULT_MEMORY));
	memory = map->first;
	while (memory && strcmp(memory->key->text, "memory") != 0)
		memory = memory->next;
	if (memory && memory->value->kind == NODE_SCALAR && !node_is_null(memory->value))
		memory->value = memory_node(l, &memory->value->loc, memory->value->text);
	return map;
}

static void load_partition(struct loader *l, struct suite_case_source *c)
{
	const struct plan_options options = {.arch = l->options->arch};
	const struct node *n = c->partition;
	struct node *guest, *partitions, *root;

	if (n->kind != NODE_MAP) {
		diag_error(l->diags, &n->loc, "cases.partition",
			"this is %s; give the partition's keys, at least {image: PATH}",
			node_is_null(n) ? "no value" : node_kind_name(n));
		return;
	}
	guest = complete_partition(l, n);
	partitions = map_node(l, &n->loc);
	root = map_node(l, &n->loc);
	if (!guest || !partitions || !root)
		return;
	map_set(l, partitions, "guest", guest);
	map_set(l, root, "partitions", partitions);
	plan_from_tree(root, l->box->suite.path, l->dir, &options, l->diags, &c->result.plan);
}

static void load_plan_file(struct loader *l, struct suite_case_source *c)
{
	struct parse p = {.arena = &l->box->arena, .diags = l->diags, .dir = l->dir};
	const char *sets[SUITE_SET_MAX];
	const struct plan_options options = {
		.overrides = sets, .override_count = c->set_count, .arch = l->options->arch};
	const char *path = parse_path(&p, c->plan->text, &c->plan->loc, "cases.plan");

	for (unsigned i = 0; i < c->set_count && i < ARRAY_SIZE(sets); i++)
		sets[i] = c->sets[i].text;
	if (path && plan_load(path, &options, l->diags, &c->result.plan))
		diag_note(l->diags, &c->plan->loc, "cases.plan", "the plan is named here");
}

static void load_plan(struct loader *l, struct suite_case_source *c)
{
	const struct plan_options options = {.arch = l->options->arch};
	const struct diag_loc *loc = &c->result.loc;

	if (c->plan && c->partition) {
		diag_error(l->diags, &c->partition->loc, "cases.partition",
			"the case has a plan, too; remove one of the two");
		return;
	}
	if (!c->plan && !c->partition) {
		diag_error(l->diags, loc, "cases",
			"the case has nothing to run; give partition: {image: PATH}, or a plan");
		return;
	}
	if (c->set_count && (!c->plan || c->plan->kind != NODE_SCALAR)) {
		diag_error(l->diags, &c->sets[0].loc, "cases.set",
			"only a plan that is given by its path has overrides; write the keys where "
			"they belong");
		return;
	}
	if (c->partition)
		load_partition(l, c);
	else if (c->plan->kind == NODE_MAP)
		plan_from_tree(
			c->plan, l->box->suite.path, l->dir, &options, l->diags, &c->result.plan);
	else if (c->plan->kind == NODE_SCALAR && !node_is_null(c->plan))
		load_plan_file(l, c);
	else
		diag_error(l->diags, &c->plan->loc, "cases.plan",
			"this is %s; give the path of a plan, or a plan",
			node_is_null(c->plan) ? "no value" : node_kind_name(c->plan));
}

/* ---- cases ---- */

static struct suite_case *case_add(struct suite_box *box)
{
	struct suite *s = &box->suite;
	struct suite_case *cases;

	if (s->case_count == box->room) {
		box->room = box->room ? box->room * 2 : 16;
		cases = reallocarray(s->cases, box->room, sizeof(*cases));
		if (!cases) {
			box->arena.failed = true;
			return NULL;
		}
		s->cases = cases;
	}
	return &s->cases[s->case_count++];
}

/* The case MAP, and what all cases expect unless they say otherwise. */
static struct node *complete_case(struct loader *l, const struct node *map)
{
	struct node *all = merged(l, map, NULL), *none = map_node(l, &map->loc);
	struct node_item *item = all ? all->first : NULL;

	if (!none || !l->source.expect)
		return all;
	while (item && strcmp(item->key->text, "expect") != 0)
		item = item->next;
	if (!item)
		map_set(l, all, "expect", merged(l, none, l->source.expect));
	else if (item->value->kind == NODE_MAP)
		item->value = merged(l, item->value, l->source.expect);
	return all;
}

/* One case, its matrix applied. */
static void load_case(struct loader *l, const struct node *source)
{
	const struct node *map = complete_case(l, source);
	struct parse p = {.arena = &l->box->arena, .diags = l->diags, .dir = l->dir};
	struct suite_case_source *c = arena_alloc(&l->nodes, sizeof(*c));
	struct suite_case *room;
	char buf[EXCERPT_MAX];

	if (!c || !map)
		return;
	c->result.loc = map->loc;
	parse_fields(&p, suite_case_keys, map, c, "cases");
	if (c->result.name && !name_valid(c->result.name))
		diag_error(l->diags, &node_find(map, "name")->loc, "cases.name",
			"\"%s\" is no name of a case; use up to %d letters, digits and ._+=,:@-, the "
			"first not . or -",
			excerpt(c->result.name, buf), SUITE_NAME_MAX);
	if (l->options->timeout_ns)
		c->result.timeout_ns = l->options->timeout_ns;
	else if (!c->result.timeout_ns)
		c->result.timeout_ns = l->source.timeout_ns;
	c->result.silence_ns = l->options->silence_ns ?: c->result.silence_ns ?: l->source.silence_ns;
	load_plan(l, c);
	check_expect(&c->result, l->diags);
	room = case_add(l->box);
	if (room)
		*room = c->result;
	else
		plan_destroy(c->result.plan);
}

/* All repetitions of the case MAP. */
static void load_matrix(struct loader *l, struct expansion *e, const struct node *map)
{
	struct matrix_choice choices[MATRIX_AXES_MAX];
	unsigned errors = l->diags->errors;
	struct matrix m;

	if (map->kind != NODE_MAP) {
		diag_error(l->diags, &map->loc, "cases",
			"this is %s; a case is a mapping, such as {name: a, partition: {image: a.elf}}",
			node_is_null(map) ? "no value" : node_kind_name(map));
		return;
	}
	if (!matrix_read(e, node_find(map, "matrix"), "cases.matrix", &m))
		return;
	if (m.total > SUITE_CASES_MAX - l->box->suite.case_count) {
		diag_error(l->diags, &map->loc, "cases", "more than %d cases; split the suite",
			SUITE_CASES_MAX);
		return;
	}
	for (unsigned i = 0; i < m.total && l->diags->errors == errors; i++) {
		const struct node *copy;

		matrix_choose(e, &m, i, choices);
		copy = matrix_apply(e, &m, choices, map);
		if (copy)
			load_case(l, copy);
	}
}

static int compare_names(const void *a, const void *b)
{
	const struct suite_case *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	return order ? order : (*x > *y) - (*x < *y);
}

static void check_names(struct loader *l)
{
	const struct suite *s = &l->box->suite;
	AUTO_FREE const struct suite_case **sorted = calloc(s->case_count + 1, sizeof(*sorted));
	unsigned count = 0;

	for (unsigned i = 0; sorted && i < s->case_count; i++) {
		if (s->cases[i].name)
			sorted[count++] = &s->cases[i];
	}
	if (sorted)
		qsort(sorted, count, sizeof(*sorted), compare_names);
	for (unsigned i = 1; i < count; i++) {
		char where[LOC_TEXT_MAX];

		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			diag_error(l->diags, &sorted[i]->loc, "cases.name",
				"\"%s\" is also the case at %s; name one of them otherwise",
				sorted[i]->name, loc_text(&sorted[i - 1]->loc, where));
	}
}

static void load_cases(struct loader *l, struct expansion *e, const struct node *list)
{
	if (list->kind != NODE_LIST || !list->count) {
		diag_error(l->diags, &list->loc, "cases",
			"there is no case; give a list, such as [{name: a, partition: {image: a.elf}}]");
		return;
	}
	for (const struct node_item *i = list->first; i; i = i->next)
		load_matrix(l, e, i->value);
	check_names(l);
}

/* The keys that cases have which do not say otherwise; NULL: none. */
static const struct node *for_all_cases(
	struct loader *l, struct expansion *e, const struct node *map, const char *field)
{
	if (map && map->kind != NODE_MAP) {
		diag_error(l->diags, &map->loc, field,
			"this is %s; give the keys that all cases have", node_kind_name(map));
		return NULL;
	}
	return map ? variables_apply(e, map) : NULL;
}

static void load_source(struct loader *l, const struct node *root)
{
	struct parse p = {.arena = &l->box->arena, .diags = l->diags, .dir = l->dir};
	struct expansion e = {.arena = &l->nodes, .diags = l->diags};
	struct suite_source source = {0};
	struct suite *s = &l->box->suite;

	if (root->kind != NODE_MAP) {
		diag_error(l->diags, &root->loc, NULL,
			"%s instead of a suite; start it with cases:",
			node_is_null(root) ? "nothing" : node_kind_name(root));
		return;
	}
	parse_fields(&p, suite_keys, root, &source, "");
	if (source.name && !name_valid(source.name))
		diag_error(l->diags, &node_find(root, "name")->loc, "name",
			"not a name of a suite; use letters, digits and ._+=,:@-");
	else if (source.name)
		s->name = source.name;
	variables_read(&e, source.variables, l->options);
	source.partition = for_all_cases(l, &e, source.partition, "partition");
	source.expect = for_all_cases(l, &e, source.expect, "expect");
	l->source = source;
	s->timeout_ns = source.timeout_ns;
	if (source.cases)
		load_cases(l, &e, source.cases);
}

/* ---- from outside ---- */

/* "dir/smoke.yaml" is the suite "smoke". */
static char *default_name(struct arena *arena, const char *path)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const char *dot = strrchr(base, '.');
	char *name = arena_strndup(
		arena, base, dot && dot != base ? (size_t)(dot - base) : strlen(base));

	for (char *c = name; c && *c; c++) {
		if (!suite_name_char(*c))
			*c = '_';
	}
	if (name && strlen(name) > SUITE_NAME_MAX)
		name[SUITE_NAME_MAX] = '\0';
	return name && name_valid(name) ? name : arena_strndup(arena, "suite", 5);
}

static struct suite_box *box_create(const char *path)
{
	struct suite_box *box = calloc(1, sizeof(*box));

	if (box) {
		box->suite.path = arena_strndup(&box->arena, path, strlen(path));
		box->suite.name = default_name(&box->arena, path);
	}
	return box;
}

/* What became of it. */
static int box_finish(
	struct suite_box *box, unsigned errors, struct diags *diags, struct suite **ret_suite)
{
	if (!box || box->arena.failed)
		diag_error(diags, NULL, NULL, "no memory to read the suite; free some");
	if (diags->errors == errors) {
		*ret_suite = &box->suite;
		return 0;
	}
	suite_destroy(box ? &box->suite : NULL);
	return -EINVAL;
}

int suite_load_text(const struct suite_text *text, const struct suite_options *options,
	struct diags *diags, struct suite **ret_suite)
{
	AUTO_FREE char *dir = absolute_dir(text->dir);
	struct suite_box *box = box_create(text->name);
	struct loader l = {.box = box, .options = options, .diags = diags, .dir = dir};
	struct diag_loc loc = {.file = text->name};
	unsigned errors = diags->errors;
	struct tree t = {0};

	if (!dir)
		diag_error(diags, &loc, NULL,
			"the path of the suite's directory is not UTF-8, or cannot be told; move the "
			"suite elsewhere");
	else if (text->size > TREE_TEXT_MAX)
		diag_error(diags, &loc, NULL, "larger than 1 MiB; split the suite");
	if (box && !box->arena.failed && diags->errors == errors) {
		const struct tree_source src = {
			.name = box->suite.path, .text = text->text, .size = text->size};

		if (!tree_parse(&t, &src, diags))
			load_source(&l, t.root);
		if (t.arena.failed || l.nodes.failed)
			box->arena.failed = true;
	}
	tree_fini(&t);
	arena_fini(&l.nodes);
	return box_finish(box, errors, diags, ret_suite);
}

int suite_load(const char *path, const struct suite_options *options, struct diags *diags,
	struct suite **ret_suite)
{
	bool is_stdin = strcmp(path, "-") == 0;
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
	struct suite_text text = {
		.name = is_stdin ? "<stdin>" : path, .dir = is_stdin ? NULL : dir};
	struct diag_loc loc = {.file = path};
	AUTO_FREE char *bytes = NULL;
	int ret = text_read(path, &bytes, &text.size);

	if (ret) {
		diag_error(diags, &loc, NULL,
			"the suite cannot be read: %s; give the path of a YAML file or an image",
			strerror(-ret));
		return -EINVAL;
	}
	text.text = bytes;
	return suite_load_text(&text, options, diags, ret_suite);
}

int suite_from_image(const char *path, const struct suite_options *options, struct diags *diags,
	struct suite **ret_suite)
{
	AUTO_FREE char *dir = absolute_dir(NULL);
	struct suite_box *box = box_create(path);
	struct loader l = {.box = box,
		.options = options,
		.diags = diags,
		.dir = dir,
		.source = {.timeout_ns = DEFAULT_TIMEOUT_NS, .silence_ns = DEFAULT_SILENCE_NS}};
	struct diag_loc loc = {.file = box ? box->suite.path : path};
	unsigned errors = diags->errors;

	if (!dir) {
		diag_error(diags, &loc, NULL, "the working directory cannot be told; go elsewhere");
	} else if (box && !box->arena.failed) {
		struct node *partition = map_node(&l, &loc), *map = map_node(&l, &loc);

		if (partition && map) {
			map_set(&l, partition, "image", scalar_node(&l, &loc, path));
			if (options->machine)
				map_set(&l, partition, "machine",
					scalar_node(&l, &loc, options->machine));
			if (options->cmdline)
				map_set(&l, partition, "cmdline",
					scalar_node(&l, &loc, options->cmdline));
			map_set(&l, map, "partition", partition);
			map_set(&l, map, "name", scalar_node(&l, &loc, box->suite.name));
			load_case(&l, map);
		}
	}
	if (box && l.nodes.failed)
		box->arena.failed = true;
	arena_fini(&l.nodes);
	return box_finish(box, errors, diags, ret_suite);
}

void suite_destroy(struct suite *suite)
{
	struct suite_box *box;

	if (!suite)
		return;
	box = container_of(suite, struct suite_box, suite);
	for (unsigned i = 0; i < suite->case_count; i++)
		plan_destroy(suite->cases[i].plan);
	free(suite->cases);
	arena_fini(&box->arena);
	free(box);
}
