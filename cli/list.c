/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead list: this user's runs, and their partitions. */
#include "cli/client.h"
#include "cli/table.h"
#include "lib/size.h"

#include <inttypes.h>
#include <string.h>

struct list_options {
	const char *run;
	bool json;
};

#define FIELD(f) offsetof(struct list_options, f)

static const struct option_spec list_specs[] = {
	{"run", "RUN", OPTION_STRING, FIELD(run), "Only this one."},
	{"json", NULL, OPTION_FLAG, FIELD(json), "Print one JSON array, with more about each."},
	{0},
};

/* "0,2-3" of [0, 2, 3]; "shared" where the plan names no cores. */
static void format_cores(const json_t *partition, char *buf, size_t size)
{
	const json_t *list = json_object_get(partition, "cores");
	size_t count = json_array_size(list), used = 0;

	snprintf(buf, size, "shared");
	for (size_t i = 0, next; i < count && used < size; i = next) {
		json_int_t first = json_integer_value(json_array_get(list, i));

		next = i + 1;
		while (next < count && json_integer_value(json_array_get(list, next)) ==
					       first + (json_int_t)(next - i))
			next++;
		used += (size_t)snprintf(
			buf + used, size - used, "%s%" JSON_INTEGER_FORMAT, i ? "," : "", first);
		if (next > i + 1 && used < size)
			used += (size_t)snprintf(buf + used, size - used, "-%" JSON_INTEGER_FORMAT,
				first + (json_int_t)(next - i) - 1);
	}
}

static void add_partition(struct table *t, const json_t *status, const json_t *p)
{
	char cores[128], memory[QUANTITY_MAX], beats[24], restarts[24], state[32];
	const char *const cells[] = {json_text(status, "run"), state, json_text(p, "name"),
		json_text(p, "role"), json_text(p, "state"), cores, memory, beats, restarts};

	snprintf(state, sizeof(state), "%s%s", json_text(status, "state"),
		json_is_true(json_object_get(status, "locked")) ? ", locked" : "");
	format_cores(p, cores, sizeof(cores));
	format_size((uint64_t)json_integer_value(json_object_get(p, "memory")), memory);
	snprintf(beats, sizeof(beats), "%" JSON_INTEGER_FORMAT,
		json_integer_value(json_object_get(p, "beats")));
	snprintf(restarts, sizeof(restarts), "%" JSON_INTEGER_FORMAT,
		json_integer_value(json_object_get(p, "restarts")));
	table_row(t, cells);
}

static void print_table(const struct client *clients, unsigned count, const char *only)
{
	static const char *const head[] = {"RUN", "RUN STATE", "PARTITION", "ROLE", "STATE",
		"CORES", "MEMORY", "BEATS", "RESTARTS"};
	struct table t = {.columns = ARRAY_SIZE(head), .right = 1 << 6 | 1 << 7 | 1 << 8};

	table_row(&t, head);
	for (unsigned i = 0; i < count; i++) {
		const json_t *list = json_object_get(clients[i].status, "partitions");

		if (only && strcmp(only, clients[i].run) != 0)
			continue;
		for (size_t at = 0; at < json_array_size(list); at++)
			add_partition(&t, clients[i].status, json_array_get(list, at));
	}
	table_print(&t, stdout);
}

static int list_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct list_options *o = options;
	enum bh_exit code = BH_EXIT_OK;
	struct client *clients;
	struct diags diags;
	unsigned count, shown = 0;
	json_t *all = json_array();

	(void)operand_count;
	(void)operands;
	diags_init(&diags);
	count = clients_connect(&diags, &clients);
	for (unsigned i = 0; i < count; i++) {
		if (o->run && strcmp(o->run, clients[i].run) != 0)
			continue;
		json_array_append(all, clients[i].status);
		shown++;
	}
	if (o->run && !shown) {
		diag_error(&diags, NULL, "--run", "there is no run \"%s\"; bulkhead list shows all",
			o->run);
		code = BH_EXIT_USAGE;
	}
	if (o->json && !code)
		json_print(json_incref(all));
	else if (shown)
		print_table(clients, count, o->run);
	else if (!code)
		fputs("no run is going\n", stderr);
	json_decref(all);
	for (unsigned i = 0; i < count; i++)
		client_close(&clients[i]);
	free(clients);
	return client_finish(&command_list, o->json, code, &diags);
}

const struct command command_list = {
	.name = "list",
	.synopsis = "[OPTIONS]",
	.summary = "List the runs that are going, and their partitions.",
	.details =
		"Shows this user's runs: a partition is created, running, paused, stopped, failed "
		"or parked (a vCPU of it met an error and never runs again); a run is in INIT, "
		"OPERATIONAL or TERMINATION, and locked while the safety partition wants nobody "
		"reconfigured.",
	.options = list_specs,
	.options_size = sizeof(struct list_options),
	.run = list_run,
};
