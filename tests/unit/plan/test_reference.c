/* SPDX-License-Identifier: BSD-3-Clause */
/* The generated documents in the tree are what the code would generate. */
#include "lib/file.h"
#include "lib/util.h"
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

/* What PRINT writes; the caller frees it. */
static void generate(void (*print)(FILE *), char **ret_text)
{
	size_t size;
	FILE *f = open_memstream(ret_text, &size);

	print(f);
	fclose(f);
}

/* BULKHEAD_SRC is the source tree; without it, the working directory. */
static void check_committed(const char *name, void (*print)(FILE *))
{
	const char *src = getenv("BULKHEAD_SRC");
	AUTO_FREE char *expected = NULL, *path = NULL;
	struct file_map map = {0};

	generate(print, &expected);
	ck_assert_int_gt(asprintf(&path, "%s/%s", src ? src : ".", name), 0);
	ck_assert_msg(file_map_path(path, &map) == 0, "%s cannot be read", path);
	ck_assert_msg(map.size == strlen(expected) && memcmp(map.data, expected, map.size) == 0,
		"%s is not what plan/schema.c generates; generate it again", path);
	file_unmap(&map);
}

START_TEST(reference_is_current)
{
	check_committed("docs/plan-reference.md", plan_print_reference);
}
END_TEST

START_TEST(schema_is_current)
{
	check_committed("configs/plan.schema.json", plan_print_schema);
}
END_TEST

START_TEST(the_example_is_a_plan)
{
	AUTO_FREE char *text = NULL;
	const char *start, *end;
	struct plan *plan = NULL;
	struct diags diags;

	generate(plan_print_reference, &text);
	start = strstr(text, "```yaml\n") + strlen("```yaml\n");
	end = strstr(start, "```");
	diags_init(&diags);
	ck_assert_int_eq(
		plan_load_text("example", "/", start, (size_t)(end - start), NULL, &diags, &plan),
		0);
	ck_assert_uint_eq(plan->partition_count, 2);
	plan_destroy(plan);
	diags_fini(&diags);
}
END_TEST

/* What the parser puts in and what the guest finds are not the same here. */
START_TEST(the_default_of_a_module_string_is_in_words)
{
	AUTO_FREE char *reference = NULL, *schema = NULL;
	const char *string;

	generate(plan_print_reference, &reference);
	ck_assert_ptr_nonnull(strstr(reference, "\n| `string` | text | the file's base name | "));
	generate(plan_print_schema, &schema);
	string = strstr(schema, "\"string\": {");
	ck_assert_ptr_nonnull(string);
	ck_assert_ptr_null(
		memmem(string, strcspn(string, "}"), "\"default\":", strlen("\"default\":")));
}
END_TEST

START_TEST(the_schema_knows_every_printed_key)
{
	static const char text[] = "arch: arm64\n"
				   "housekeeping: 0\n"
				   "partitions: {a: {cpus: [1], memory: 2M, image: i}}\n";
	AUTO_FREE char *schema_text = NULL, *plan_text = NULL;
	json_t *schema, *partition, *plan_json, *keys, *value;
	struct plan *plan = NULL;
	struct diags diags;
	const char *key;
	size_t size;
	FILE *f = open_memstream(&plan_text, &size);

	diags_init(&diags);
	ck_assert_int_eq(plan_load_text("p", "/", text, strlen(text), NULL, &diags, &plan), 0);
	plan_print_json(plan, f);
	fclose(f);
	plan_destroy(plan);

	generate(plan_print_schema, &schema_text);
	schema = json_loads(schema_text, 0, NULL);
	plan_json = json_loads(plan_text, 0, NULL);
	keys = json_object_get(schema, "properties");
	json_object_foreach(plan_json, key, value)
		ck_assert_msg(json_object_get(keys, key) != NULL, "%s", key);
	partition = json_object_iter_value(json_object_iter(
		json_object_get(json_object_get(keys, "partitions"), "patternProperties")));
	ck_assert(json_is_false(json_object_get(partition, "additionalProperties")));
	ck_assert_uint_eq(json_array_size(json_object_get(partition, "required")), 3);
	keys = json_object_get(partition, "properties");
	value = json_object_get(json_object_get(plan_json, "partitions"), "a");
	ck_assert_uint_eq(json_object_size(value), json_object_size(keys));
	json_object_foreach(value, key, partition)
		ck_assert_msg(json_object_get(keys, key) != NULL, "%s", key);
	json_decref(schema);
	json_decref(plan_json);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/reference");
	TCase *t = tcase_create("reference");

	tcase_add_test(t, reference_is_current);
	tcase_add_test(t, schema_is_current);
	tcase_add_test(t, the_example_is_a_plan);
	tcase_add_test(t, the_default_of_a_module_string_is_in_words);
	tcase_add_test(t, the_schema_knows_every_printed_key);
	suite_add_tcase(s, t);
	return s;
}
