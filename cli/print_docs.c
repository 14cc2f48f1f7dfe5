/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead print-docs: the committed documents that are made from the program's own tables. */
#include "cli/commands.h"
#include "cli/manual.h"
#include "plan/plan.h"
#include "suite/suite.h"

#include <string.h>

static const struct {
	const char *name;
	void (*print)(FILE *f);
} documents[] = {
	{"plan-reference", plan_print_reference},
	{"plan-schema", plan_print_schema},
	{"suite-reference", suite_print_reference},
	{"suite-schema", suite_print_schema},
	{"man", manual_print},
};

static int print_docs_run(const void *options, unsigned operand_count, char *const *operands)
{
	(void)options;
	(void)operand_count;
	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		if (strcmp(operands[0], documents[i].name) != 0)
			continue;
		documents[i].print(stdout);
		return BH_EXIT_OK;
	}
	return command_usage_error(&command_print_docs,
		"there is no document \"%s\"; see cli/print_docs.c", operands[0]);
}

static const struct option_spec no_options[] = {{0}};

const struct command command_print_docs = {
	.name = "print-docs",
	.synopsis = "DOCUMENT",
	.summary = "Print a document that is made from the program's own tables.",
	.options = no_options,
	.operands_min = 1,
	.operands_max = 1,
	.hidden = true,
	.run = print_docs_run,
};
