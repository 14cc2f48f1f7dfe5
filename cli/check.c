/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead check: everything that can be known of a plan without starting it. */
#include "cli/commands.h"
#include "partition/partition.h"
#include "plan/plan.h"

#include <jansson.h>

struct check_options {
	struct option_strings set;
	bool host;
	bool print;
	bool json;
};

#define FIELD(f) offsetof(struct check_options, f)

static const struct option_spec check_specs[] = {
	{"set", "KEY=VALUE", OPTION_STRINGS, FIELD(set),
		"Override a key of the plan, such as partitions.linux.memory=1G. May be repeated."},
	{"host", NULL, OPTION_FLAG, FIELD(host),
		"Also hold the plan against this host: cores, hyper-threads, memory, limits."},
	{"print", NULL, OPTION_FLAG, FIELD(print),
		"Print the effective plan, with all defaults and overrides; it can be run as it is."},
	{"json", NULL, OPTION_FLAG, FIELD(json),
		"Print the result, or with --print the effective plan, as JSON."},
	{0},
};

static json_t *diag_json(const struct diag *d)
{
	json_t *o = json_pack("{s:s, s:s}", "severity",
		d->severity == DIAG_ERROR ? "error" : "warning", "message", d->text);

	if (d->file)
		json_object_set_new(o, "file", json_string(d->file));
	if (d->file && d->line) {
		json_object_set_new(o, "line", json_integer(d->line));
		json_object_set_new(o, "column", json_integer(d->column));
	}
	if (d->field)
		json_object_set_new(o, "field", json_string(d->field));
	return o;
}

static void print_json(const struct diags *diags, int code)
{
	json_t *list = json_array(), *o;

	for (unsigned i = 0; i < diags->count; i++)
		json_array_append_new(list, diag_json(&diags->items[i]));
	o = json_pack("{s:b, s:i, s:o}", "ok", code == BH_EXIT_OK, "exit_code", code, "diagnostics",
		list);
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

/* Checks the plan's insides; an enum bh_exit. */
static int check_plan(const struct plan *plan, bool host, struct diags *diags)
{
	unsigned errors = diags->errors;

	plan_check_files(plan, diags);
	for (unsigned i = 0; i < plan->partition_count; i++)
		partition_check(&plan->partitions[i], diags);
	if (diags->errors > errors)
		return BH_EXIT_USAGE;
	if (host && plan_check_host(plan, "", diags))
		return BH_EXIT_HOST;
	return BH_EXIT_OK;
}

static int check_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct check_options *o = options;
	struct plan *plan = NULL;
	struct diags diags;
	int code = BH_EXIT_USAGE;

	(void)operand_count;
	diags_init(&diags);
	if (plan_load(operands[0], o->set.items, o->set.count, &diags, &plan) == 0)
		code = check_plan(plan, o->host, &diags);
	if (!o->json || o->print)
		diags_print(&diags, stderr, "bulkhead: ");
	else
		print_json(&diags, code);
	if (o->print && plan && o->json)
		plan_print_json(plan, stdout);
	else if (o->print && plan)
		plan_print_yaml(plan, stdout);
	else if (!o->json && code == BH_EXIT_OK)
		printf("%s: ok: %u partition%s\n", operands[0], plan->partition_count,
			plan->partition_count == 1 ? "" : "s");
	plan_destroy(plan);
	diags_fini(&diags);
	return code;
}

const struct command command_check = {
	.name = "check",
	.synopsis = "[OPTIONS] PLAN",
	.summary = "Check a plan and its images without starting anything.",
	.details =
		"Parses and validates the plan, then builds every partition as run would, images "
		"and firmware tables included, without /dev/kvm and without special rights. Reports "
		"all problems at once.",
	.options = check_specs,
	.options_size = sizeof(struct check_options),
	.operands_min = 1,
	.operands_max = 1,
	.exit_codes = true,
	.run = check_run,
};
