/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead stats: what the vCPUs of running partitions have done so far. */
#include "cli/client.h"
#include "cli/table.h"

#include <string.h>

struct stats_options {
	const char *run;
	bool json;
};

#define FIELD(f) offsetof(struct stats_options, f)

static const struct option_spec stats_specs[] = {
	{"run", "RUN", OPTION_STRING, FIELD(run), "The run, where several are going."},
	{"json", NULL, OPTION_FLAG, FIELD(json), "Print one JSON array."},
	{0},
};

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

/* Asks for the counters of PARTITION, or all partitions, into the array ALL. */
static enum bh_exit ask(struct client *c, const char *partition, struct diags *diags, json_t *all)
{
	const json_t *list = json_object_get(c->status, "partitions");
	enum bh_exit code = BH_EXIT_OK;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_text(json_array_get(list, i), "name");
		json_t *stats = NULL;

		if (partition && strcmp(partition, name) != 0)
			continue;
		code = client_call(
			c, "stats", json_pack("{s:s}", "partition", name), diags, &stats);
		if (code)
			return code;
		json_array_append_new(all, stats);
	}
	return code;
}

static void print_stats(json_t *all, bool json)
{
	static const char *const head[] = {"PARTITION", "VCPU", "COUNT", "WHAT"};
	struct table t = {.columns = ARRAY_SIZE(head), .right = 1 << 1 | 1 << 2};

	if (json) {
		json_print(json_incref(all));
		return;
	}
	table_row(&t, head);
	for (size_t i = 0; i < json_array_size(all); i++)
		add_counters(&t, json_array_get(all, i));
	table_print(&t, stdout);
}

static int stats_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct stats_options *o = options;
	json_t *all = json_array();
	const char *partition;
	struct client c;
	struct diags diags;
	enum bh_exit code;

	diags_init(&diags);
	code = client_find(o->run, operand_count ? operands[0] : NULL,
		TARGET_RUN | TARGET_PARTITION, &diags, &c, &partition);
	if (!code)
		code = ask(&c, partition, &diags, all);
	if (!code)
		print_stats(all, o->json);
	json_decref(all);
	client_close(&c);
	return client_finish(&command_stats, o->json, code, &diags);
}

const struct command command_stats = {
	.name = "stats",
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Show how often each vCPU of a run has left the guest, and why.",
	.details = "Partitions go on meanwhile. Of one that has ended, these are its last counts. "
		   "NAME is a partition, a run, or RUN/PARTITION.",
	.options = stats_specs,
	.options_size = sizeof(struct stats_options),
	.operands_max = 1,
	.run = stats_run,
};
