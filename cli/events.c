/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead events: what has happened in a run, and what happens. */
#include "cli/client.h"

#include <string.h>
#include <time.h>

struct events_options {
	const char *run;
	bool follow;
	unsigned since;
	bool json;
};

#define FIELD(f) offsetof(struct events_options, f)

static const struct option_spec events_specs[] = {
	{"follow", NULL, OPTION_FLAG, FIELD(follow),
		"Go on with what happens, until the run ends."},
	{"since", "N", OPTION_UNSIGNED, FIELD(since),
		"Only events after number N (--json shows the numbers)."},
	{"run", "RUN", OPTION_STRING, FIELD(run), "The run, where several are going."},
	{"json", NULL, OPTION_FLAG, FIELD(json), "Print each event as a line with a JSON object."},
	{0},
};

static void print_event(const json_t *e, const char *partition, bool json)
{
	json_int_t ns = json_integer_value(json_object_get(e, "time_ns"));
	time_t seconds = (time_t)(ns / 1000000000);
	const char *whose = json_text(e, "partition");
	struct tm tm;
	char when[32];

	if (partition && strcmp(partition, whose) != 0)
		return;
	if (json) {
		json_dumpf(e, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	localtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%H:%M:%S", &tm);
	printf("%s.%03d  %-12s  %-10s  %s\n", when, (int)(ns % 1000000000 / 1000000),
		*whose ? whose : "-", json_text(e, "kind"), json_text(e, "text"));
}

static enum bh_exit print_events(struct client *c, const char *partition,
	const struct events_options *o, struct diags *diags)
{
	json_t *answer = NULL, *list, *e;
	bool ended = false;
	enum bh_exit code = client_call(c, "events",
		json_pack("{s:b, s:i}", "follow", o->follow, "since", (int)o->since), diags,
		&answer);

	if (code)
		return code;
	list = json_object_get(answer, "events");
	for (size_t i = 0; i < json_array_size(list); i++)
		print_event(json_array_get(list, i), partition, o->json);
	json_decref(answer);
	while (o->follow && !fflush(stdout) && !client_next_event(c, -1, &e)) {
		ended = strcmp(json_text(e, "kind"), "end") == 0;
		print_event(e, partition, o->json);
		json_decref(e);
	}
	if (!o->follow || ended || ferror(stdout))
		return BH_EXIT_OK;
	diag_error(diags, NULL, NULL, "%s: its supervisor is gone, or has hung up", c->run);
	return BH_EXIT_HOST;
}

static int events_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct events_options *o = options;
	const char *partition;
	struct client c;
	struct diags diags;
	enum bh_exit code;

	diags_init(&diags);
	code = client_find(o->run, operand_count ? operands[0] : NULL,
		TARGET_RUN | TARGET_PARTITION, &diags, &c, &partition);
	if (!code)
		code = print_events(&c, partition, o, &diags);
	client_close(&c);
	return client_finish(&command_events, o->json, code, &diags);
}

const struct command command_events = {
	.name = "events",
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Show what has happened in a run.",
	.details =
		"Prints when it was, whose it is, what kind it is of and what it was: changes of "
		"state, fatal errors, stops and vetoes, the safe state, lines that guests log. The "
		"latest 1024 are kept, and 256 of those lines. "
		"NAME is a partition, a run, or RUN/PARTITION.",
	.options = events_specs,
	.options_size = sizeof(struct events_options),
	.operands_max = 1,
	.run = events_run,
};
