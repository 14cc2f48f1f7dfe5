/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead inspect: what the guests of a run are at just now. */
#include "cli/client.h"

#include <string.h>

struct inspect_options {
	const char *run;
	bool json;
};

#define FIELD(f) offsetof(struct inspect_options, f)

static const struct option_spec inspect_specs[] = {
	{"run", "RUN", OPTION_STRING, FIELD(run), "The run, where several are going."},
	{"json", NULL, OPTION_FLAG, FIELD(json), "Print one JSON array."},
	{0},
};

/* Whether it is worth asking: of all of a run, those that have ended are left out. */
static bool is_there(const json_t *partition)
{
	const char *state = json_text(partition, "state");

	return strcmp(state, "running") == 0 || strcmp(state, "paused") == 0 ||
	       strcmp(state, "parked") == 0;
}

/* Inspects PARTITION, or all partitions, into the array ALL. */
static enum bh_exit ask(struct client *c, const char *partition, struct diags *diags, json_t *all)
{
	const json_t *list = json_object_get(c->status, "partitions"), *p;
	enum bh_exit code = BH_EXIT_OK;
	size_t i;

	json_array_foreach(list, i, p)
	{
		const char *name = json_text(p, "name");
		json_t *answer = NULL;

		if (code || (partition ? strcmp(partition, name) != 0 : !is_there(p)))
			continue;
		code = client_call(
			c, "inspect", json_pack("{s:s}", "partition", name), diags, &answer);
		if (!code)
			json_array_append_new(all, answer);
	}
	if (!code && !json_array_size(all)) {
		diag_error(diags, NULL, NULL, "%s: none of its partitions is running", c->run);
		code = BH_EXIT_GUEST_FAILED;
	}
	return code;
}

static void print_all(json_t *all, bool json)
{
	const json_t *o;
	size_t i;

	if (json) {
		json_print(json_incref(all));
		return;
	}
	json_array_foreach(all, i, o)
	{
		printf("%s%s is %s: %s\n\n%s", i ? "\n" : "", json_text(o, "partition"),
			json_text(o, "state"), json_text(o, "summary"), json_text(o, "text"));
	}
}

static int inspect_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct inspect_options *o = options;
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
		print_all(all, o->json);
	json_decref(all);
	client_close(&c);
	return client_finish(&command_inspect, o->json, code, &diags);
}

const struct command command_inspect = {
	.name = "inspect",
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Show what the guests of a run are at, such as one that says nothing.",
	.details =
		"For each vCPU: whether it runs, spins in one place, is halted and whether an "
		"interrupt could wake it, its registers and last exits. For the partition: the ports "
		"and addresses that its guest has used and nobody owns, what each console has got, "
		"and hints. The guest goes on; its vCPUs are held for microseconds.\n"
		"NAME is a partition, a run, or RUN/PARTITION.",
	.options = inspect_specs,
	.options_size = sizeof(struct inspect_options),
	.operands_max = 1,
	.run = inspect_run,
};
