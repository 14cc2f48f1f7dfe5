/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead check: everything that can be known of a plan without starting it. */
#include "cli/checks.h"
#include "cli/commands.h"
#include "partition/partition.h"

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
		"Also hold the plan against this host: cores, hyper-threads, memory, limits, KVM."},
	{"print", NULL, OPTION_FLAG, FIELD(print),
		"Print the effective plan, with all defaults and overrides; it can be run as it is."},
	{"json", NULL, OPTION_FLAG, FIELD(json),
		"Print the result, or with --print the effective plan, as JSON."},
	{0},
};

static int check_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct check_options *o = options;
	const struct plan_options plan_options = {
		.overrides = o->set.items,
		.override_count = o->set.count,
		.arch = partition_host_arch(),
	};
	struct plan *plan = NULL;
	struct diags diags;
	enum bh_exit code = BH_EXIT_USAGE;

	(void)operand_count;
	diags_init(&diags);
	if (plan_load(operands[0], &plan_options, &diags, &plan) == 0)
		code = plan_check(plan,
			CHECK_FILES | CHECK_IMAGES | CHECK_NOTES |
				(o->host ? CHECK_HOST | CHECK_KVM : 0),
			&diags);
	if (!o->json || o->print)
		diags_print(&diags, stderr, "bulkhead: ");
	else
		diags_print_json(&diags, code);
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
		"all problems at once. Exit code 0: all is well; 2: the plan or an image is wrong; "
		"3: only this host is.",
	.options = check_specs,
	.options_size = sizeof(struct check_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = check_run,
};
