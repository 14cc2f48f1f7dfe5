/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/ask.h"

#include <string.h>

#define FIELD(f) offsetof(struct ask_options, f)

const struct option_spec ask_specs[] = {
	{"run", "RUN", OPTION_STRING, FIELD(run), "The run, where several are going."},
	{"json", NULL, OPTION_FLAG, FIELD(json), "Print one JSON array."},
	{0},
};

static bool is_running(const json_t *partition)
{
	const char *state = json_text(partition, "state");

	return strcmp(state, "running") == 0 || strcmp(state, "paused") == 0 ||
	       strcmp(state, "parked") == 0;
}

/* Asks about PARTITION, or all partitions, into the array ALL. */
static enum bh_exit ask(const struct ask *a, struct client *c, const char *partition,
	struct diags *diags, json_t *all)
{
	const json_t *list = json_object_get(c->status, "partitions"), *p;
	enum bh_exit code = BH_EXIT_OK;
	size_t i;

	json_array_foreach(list, i, p)
	{
		const char *name = json_text(p, "name");
		bool meant =
			partition ? strcmp(partition, name) == 0 : !a->running || is_running(p);
		json_t *answer = NULL;

		if (code || !meant)
			continue;
		code = client_call(
			c, a->command->name, json_pack("{s:s}", "partition", name), diags, &answer);
		if (!code)
			json_array_append_new(all, answer);
	}
	if (!code && !json_array_size(all)) {
		diag_error(diags, NULL, NULL, "%s: none of its partitions is running", c->run);
		code = BH_EXIT_GUEST_FAILED;
	}
	return code;
}

int ask_run(const struct ask *a, const void *options, unsigned operand_count, char *const *operands)
{
	const struct ask_options *o = options;
	json_t *all = json_array();
	const char *partition;
	struct client c;
	struct diags diags;
	enum bh_exit code;

	diags_init(&diags);
	code = client_find(o->run, operand_count ? operands[0] : NULL,
		TARGET_RUN | TARGET_PARTITION, &diags, &c, &partition);
	if (!code)
		code = ask(a, &c, partition, &diags, all);
	if (!code && o->json)
		json_print(json_incref(all));
	else if (!code)
		a->print(all);
	json_decref(all);
	client_close(&c);
	return client_finish(a->command, o->json, code, &diags);
}
