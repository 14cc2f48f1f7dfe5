/* SPDX-License-Identifier: BSD-3-Clause */
/* The JSON Schema takes what the program takes, and refuses what it can tell that it refuses. */
#include "lib/util.h"
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <jansson.h>
#include <regex.h>
#include <string.h>

static bool fits(const json_t *schema, json_t *v);

static bool is_of_type(const char *type, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return strcmp(type, "object") == 0;
	case JSON_ARRAY:
		return strcmp(type, "array") == 0;
	case JSON_STRING:
		return strcmp(type, "string") == 0;
	case JSON_INTEGER:
		return strcmp(type, "integer") == 0 || strcmp(type, "number") == 0;
	case JSON_REAL:
		return strcmp(type, "number") == 0;
	case JSON_NULL:
		return strcmp(type, "null") == 0;
	default:
		return strcmp(type, "boolean") == 0;
	}
}

/* TYPE is one name or a list of them. */
static bool type_fits(const json_t *type, const json_t *v)
{
	json_t *name;
	size_t i;

	if (json_is_string(type))
		return is_of_type(json_string_value(type), v);
	json_array_foreach(type, i, name) if (is_of_type(json_string_value(name), v)) return true;
	return false;
}

static bool matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool match;

	ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	match = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return match;
}

static bool any_fits(const json_t *schemas, json_t *v, bool (*fit)(const json_t *, json_t *))
{
	json_t *schema;
	size_t i;

	json_array_foreach(schemas, i, schema) if (fit(schema, v)) return true;
	return false;
}

static bool is_equal(const json_t *a, json_t *b)
{
	return json_equal(a, b);
}

static bool properties_fit(const json_t *schema, json_t *object)
{
	json_t *properties = json_object_get(schema, "properties"), *inner, *property;
	json_t *patterns = json_object_get(schema, "patternProperties");
	const char *name;

	ck_assert(json_is_false(json_object_get(schema, "additionalProperties")));
	json_object_foreach(object, name, inner)
	{
		const char *pattern =
			patterns ? json_object_iter_key(json_object_iter(patterns)) : NULL;

		property = json_object_get(properties, name);
		if (!property && pattern && matches(pattern, name))
			property = json_object_get(patterns, pattern);
		if (!property || !fits(property, inner))
			return false;
	}
	return json_object_size(object) >=
		       (size_t)json_integer_value(json_object_get(schema, "minProperties")) &&
	       (!patterns || json_object_size(object) <= (size_t)json_integer_value(json_object_get(
								 schema, "maxProperties")));
}

static bool items_fit(const json_t *schema, json_t *list)
{
	json_t *most = json_object_get(schema, "maxItems"), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (!fits(json_object_get(schema, "items"), item))
			return false;
		for (size_t j = 0; j < i; j++)
			if (json_is_true(json_object_get(schema, "uniqueItems")) &&
				json_equal(json_array_get(list, j), item))
				return false;
	}
	return json_array_size(list) >=
		       (size_t)json_integer_value(json_object_get(schema, "minItems")) &&
	       (!most || json_array_size(list) <= (size_t)json_integer_value(most));
}

static bool has_all(const json_t *names, const json_t *object)
{
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		if (!json_object_get(object, json_string_value(name)))
			return false;
	}
	return true;
}

/* One keyword of a schema, with its value WANT. */
static bool keyword_fits(const char *keyword, const json_t *want, json_t *v)
{
	static const char *const elsewhere[] = {"$schema", "$comment", "title", "description",
		"default", "properties", "patternProperties", "additionalProperties",
		"minProperties", "maxProperties", "items", "minItems", "maxItems", "uniqueItems"};
	const char *text = json_string_value(v);

	if (strcmp(keyword, "type") == 0)
		return type_fits(want, v);
	if (strcmp(keyword, "anyOf") == 0)
		return any_fits(want, v, fits);
	if (strcmp(keyword, "required") == 0)
		return !json_is_object(v) || has_all(want, v);
	if (strcmp(keyword, "enum") == 0)
		return any_fits(want, v, is_equal);
	if (strcmp(keyword, "pattern") == 0)
		return !text || matches(json_string_value(want), text);
	if (strcmp(keyword, "maxLength") == 0)
		return !text || strlen(text) <= (size_t)json_integer_value(want);
	if (strcmp(keyword, "minimum") == 0)
		return !json_is_number(v) || json_number_value(v) >= json_number_value(want);
	if (strcmp(keyword, "maximum") == 0)
		return !json_is_number(v) || json_number_value(v) <= json_number_value(want);
	if (strcmp(keyword, "multipleOf") == 0)
		return json_integer_value(v) % json_integer_value(want) == 0;
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
		if (strcmp(keyword, elsewhere[i]) == 0)
			return true;
	ck_abort_msg("this test does not know the keyword %s", keyword);
	return false;
}

/* As much of JSON Schema as plans' takes; fails on the rest. */
static bool fits(const json_t *schema, json_t *v)
{
	json_t *want;
	const char *keyword;

	json_object_foreach((json_t *)(uintptr_t)schema, keyword,
		want) if (!keyword_fits(keyword, want, v)) return false;
	if (json_is_object(v) && json_object_get(schema, "properties"))
		return properties_fit(schema, v);
	if (json_is_object(v) && json_object_get(schema, "patternProperties"))
		return properties_fit(schema, v);
	return !json_is_array(v) || !json_object_get(schema, "items") || items_fit(schema, v);
}

/* A partition but for the keys named, and what a case adds. */
#define PLAN(keys) "{\"partitions\": {\"a\": {" keys "}}}"
#define CPUS       "\"cpus\": [1], "
#define MEMORY     "\"memory\": \"64M\", "
#define IMAGE      "\"image\": \"i\""
#define MORE(keys) PLAN(CPUS MEMORY IMAGE ", " keys)
#define ON(cpus)   PLAN("\"cpus\": " cpus ", " MEMORY IMAGE)
#define WITH(size) PLAN(CPUS "\"memory\": " size ", " IMAGE)
#define OF(image)  PLAN(CPUS MEMORY "\"image\": " image)
#define TOP(keys)  "{" keys ", \"partitions\": {\"a\": {" CPUS MEMORY IMAGE "}}}"
#define ARM64(keys)                                                                                \
	"{\"arch\": \"arm64\", \"partitions\": {\"a\": {" CPUS MEMORY IMAGE ", " keys "}}}"
#define RAW(keys) OF("{\"path\": \"i\", \"type\": \"raw\", " keys "}")

static const char *const good[] = {
	PLAN(CPUS MEMORY IMAGE),
	TOP("\"version\": 1"),
	TOP("\"version\": \"1\""),
	TOP("\"housekeeping\": 0"),
	TOP("\"housekeeping\": \"0\""),
	TOP("\"housekeeping\": [0, \"2-3, 5\"]"),
	ON("\"2-3\""),
	ON("[2, \"4-5\", \"7\"]"),
	ON("{\"count\": 2}"),
	ON("{\"count\": \"2\", \"on\": 4}"),
	ON("{\"count\": \"0x40\", \"on\": \"4-5\"}"),
	WITH("67108864"),
	WITH("\"0x4000000\""),
	WITH("\"64MiB\""),
	WITH("{\"size\": \"64M\", \"hugepages\": \"2M\", \"lock\": false}"),
	OF("5"),
	OF("true"),
	OF("{\"path\": 1.5}"),
	RAW("\"load_address\": 1048576, \"entry\": \"0x100000\""),
	RAW("\"load_address\": \"1M\""),
	MORE("\"cmdline\": \"\""),
	MORE("\"cmdline\": 5"),
	MORE("\"cmdline\": 1.5"),
	MORE("\"cmdline\": true"),
	MORE("\"initrd\": null"),
	MORE("\"initrd\": 7"),
	MORE("\"modules\": []"),
	MORE("\"modules\": [1, \"m\", {\"path\": \"m\"}]"),
	MORE("\"modules\": [{\"path\": \"m\", \"string\": 1}]"),
	MORE("\"serial\": []"),
	MORE("\"serial\": [null, \"file:x\"]"),
	MORE("\"serial\": [{\"file\": 5}, \"null\"]"),
	MORE("\"serial\": [{\"to\": null}, \"socket:x\"]"),
	MORE("\"devices\": [\"console\", {\"type\": \"console\", \"ports\": [\"console\", null]}]"),
	MORE("\"devices\": [{\"type\": \"console\", \"ports\": [{\"name\": \"x\", \"to\": \"pty\"}, "
	     "{\"socket\": \"s\"}, {\"to\": null}]}]"),
	MORE("\"on_fatal\": \"safe-state\", \"on_reset\": \"stop\""),
	MORE("\"on_fatal\": {\"action\": \"restart\", \"limit\": 9}, \"watchdog\": \"200ms\""),
	MORE("\"watchdog\": null, \"status_page\": null, \"on_violation\": \"inject\""),
	TOP("\"bsp\": \"b.so\", \"safe_state\": \"non-safety\", \"semantics\": \"bao\""),
	TOP("\"bsp\": {\"path\": \"builtin\", \"deadline\": \"5ms\", \"files\": [\"/dev/null\"]}"),
	ARM64("\"nested\": true, \"arm64\": {\"gic\": \"v3\", \"psci\": 1.1, \"its\": \"on\"}"),
	ARM64("\"arm64\": {\"psci\": \"0.2\", \"overlay\": null}"),
	TOP("\"safe_state\": {\"command\": \"x\", \"notify\": \"s\", \"eventfd\": 7}"),
};

static const char *const bad[] = {
	"[]",
	"{\"partitions\": {}}",
	"{\"partitions\": {\"A\": {" CPUS MEMORY IMAGE "}}}",
	TOP("\"version\": 2"),
	TOP("\"version\": true"),
	TOP("\"version\": null"),
	TOP("\"colour\": 1"),
	TOP("\"housekeeping\": null"),
	TOP("\"housekeeping\": 1024"),
	TOP("\"housekeeping\": [0, 0]"),
	PLAN(CPUS IMAGE),
	PLAN(MEMORY IMAGE),
	ON("2"),
	ON("\"2\""),
	ON("[]"),
	ON("[1, 1]"),
	ON("[\"2-3\", \"2-3\"]"),
	ON("[-1]"),
	ON("[1024]"),
	ON("[1.5]"),
	ON("[20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,"
	   "48,49,50,51,52,53,54,55,56,57,58,59,60,61,62,63,64,65,66,67,68,69,70,71,72,73,74,75,"
	   "76,77,78,79,80,81,82,83,84]"),
	ON("{}"),
	ON("{\"count\": 0}"),
	ON("{\"count\": 65}"),
	ON("{\"count\": 1.5}"),
	ON("{\"count\": \"two\"}"),
	ON("{\"count\": true}"),
	ON("{\"count\": 1, \"on\": [4, 4]}"),
	ON("{\"count\": 1, \"on\": []}"),
	WITH("1048576"),
	WITH("-1"),
	WITH("67108865"),
	WITH("\"64X\""),
	WITH("{}"),
	WITH("{\"size\": \"64M\", \"lock\": \"true\"}"),
	WITH("{\"size\": \"64M\", \"lock\": 1}"),
	OF("null"),
	OF("\"\""),
	OF("\"dir/\""),
	OF("[]"),
	RAW("\"load_address\": -1"),
	RAW("\"load_address\": 281474976710656"),
	RAW("\"entry\": null"),
	MORE("\"cmdline\": null"),
	MORE("\"cmdline\": []"),
	MORE("\"initrd\": \"dir/\""),
	MORE("\"initrd\": {}"),
	MORE("\"modules\": null"),
	MORE("\"modules\": \"m\""),
	MORE("\"modules\": [{}]"),
	MORE("\"modules\": [null]"),
	MORE("\"serial\": null"),
	MORE("\"serial\": [\"tty\"]"),
	MORE("\"serial\": [5]"),
	MORE("\"serial\": [\"pty\", \"pty\", \"pty\"]"),
	MORE("\"serial\": [\"file:\"]"),
	MORE("\"serial\": [{\"file\": null}]"),
	MORE("\"serial\": [{}]"),
	MORE("\"serial\": [{\"name\": \"x\", \"to\": \"pty\"}]"),
	MORE("\"devices\": [{\"type\": \"console\", \"ports\": [{\"name\": \"x\"}]}]"),
	MORE("\"devices\": [{\"type\": \"console\", \"ports\": [{\"link\": \"a.com1\"}]}]"),
	MORE("\"devices\": [{\"type\": \"console\", \"ports\": [\"link:a.com1\"]}]"),
	MORE("\"on_fatal\": \"reboot\""),
	MORE("\"on_reset\": null"),
	MORE("\"watchdog\": \"fast\""),
	MORE("\"watchdog\": 200"),
	ARM64("\"arm64\": \"v3\""),
	ARM64("\"arm64\": {\"psci\": 2.0}"),
	ARM64("\"arm64\": {\"gic\": 3}"),
	TOP("\"arch\": \"arm\""),
	TOP("\"lockdown\": \"maybe\""),
	TOP("\"bsp\": {\"deadline\": \"5ms\"}"),
};

/* JSON is YAML: TEXT is taken by both the program and the schema, or by none of them. */
static void check(const char *text, bool taken)
{
	AUTO_FREE char *schema_text = NULL;
	struct plan *plan = NULL;
	struct diags diags;
	json_t *schema, *v;
	size_t size;
	FILE *f = open_memstream(&schema_text, &size);

	plan_print_schema(f);
	fclose(f);
	schema = json_loads(schema_text, 0, NULL);
	v = json_loads(text, 0, NULL);
	ck_assert_msg(v != NULL, "%s", text);
	diags_init(&diags);
	ck_assert_msg(plan_load_text("p", "/", text, strlen(text), NULL, &diags, &plan) ==
			      (taken ? 0 : -EINVAL),
		"program: %s", text);
	ck_assert_msg(fits(schema, v) == taken, "schema: %s", text);
	plan_destroy(plan);
	diags_fini(&diags);
	json_decref(schema);
	json_decref(v);
}

START_TEST(what_the_program_takes)
{
	check(good[_i], true);
}
END_TEST

START_TEST(what_the_program_refuses)
{
	check(bad[_i], false);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/json_schema");
	TCase *t = tcase_create("json_schema");

	tcase_add_loop_test(t, what_the_program_takes, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(t, what_the_program_refuses, 0, ARRAY_SIZE(bad));
	suite_add_tcase(s, t);
	return s;
}
