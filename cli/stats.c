/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead stats: what the vCPUs of running partitions have done so far. */
#include "cli/ask.h"
#include "cli/table.h"

static void add_counters(struct table *t, const json_t *stats)
{
	const json_t *list = json_object_get(stats, "counters");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *counter = json_array_get(list, i);
		char vcpu[24], count[24];
		const char *const cells[] = {
			json_text(stats, "partition"), vcpu, count, json_text(counter, "name")};

		snprintf(vcpu, sizeof(vcpu), "%" JSON_INTEGER_FORMAT,
			json_integer_value(json_object_get(counter, "vcpu")));
		snprintf(count, sizeof(count), "%" JSON_INTEGER_FORMAT,
			json_integer_value(json_object_get(counter, "count")));
		table_row(t, cells);
	}
}

static void print_stats(const json_t *all)
{
	static const char *const head[] = {"PARTITION", "VCPU", "COUNT", "WHAT"};
	struct table t = {.columns = ARRAY_SIZE(head), .right = 1 << 1 | 1 << 2};

	table_row(&t, head);
	for (size_t i = 0; i < json_array_size(all); i++)
		add_counters(&t, json_array_get(all, i));
	table_print(&t, stdout);
}

static int stats_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct ask a = {.command = &command_stats, .print = print_stats};

	return ask_run(&a, options, operand_count, operands);
}

const struct command command_stats = {
	.name = "stats",
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Show how often each vCPU of a run has left the guest, and why.",
	.details = "Partitions go on meanwhile. Of one that has ended, these are its last counts. "
		   "NAME is a partition, a run, or RUN/PARTITION.",
	.options = ask_specs,
	.options_size = sizeof(struct ask_options),
	.operands_max = 1,
	.run = stats_run,
};
