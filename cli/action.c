/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/action.h"

#include "cli/client.h"

#include <string.h>

/*
 * Whoever waits looks at the partition this often though no event has come: a supervisor that is
 * stopped is found out.
 */
#define LOOK_AGAIN_MS 10000

#define FIELD(f) offsetof(struct action_options, f)

const struct option_spec action_specs[] = {
	{"run", "RUN", OPTION_STRING, FIELD(run), "The run, where several are going."},
	{"json", NULL, OPTION_FLAG, FIELD(json), "Print the result as one JSON object."},
	{0},
};

struct waiting {
	const struct action *action;
	struct client client;
	const char *partition; /* NULL: the run */
	json_int_t restarts;   /* of the partition, before */
	const char *end_state; /* what it came to, inside `status` */
	json_t *status;
	struct diags *diags;
};

static json_int_t restarts_of(const json_t *status, const char *partition)
{
	return json_integer_value(json_object_get(status_partition(status, partition), "restarts"));
}

/* Whether STATE is one of those that the action leads to. */
static bool is_wanted(const struct action *a, const char *state)
{
	const char *at = strstr(a->states, state);

	return *state && at && at[-1] == ',' && at[strlen(state)] == ',';
}

/* Looks at the partition: true when it is where the action leads to. */
static bool look(struct waiting *w)
{
	const char *state;

	if (!w->partition)
		return false;
	state = json_text(status_partition(w->status, w->partition), "state");
	if (w->action->restarts && restarts_of(w->status, w->partition) == w->restarts)
		return false;
	w->end_state = state;
	return is_wanted(w->action, state);
}

/* An event that says that it will not come to it. */
static bool refused(const struct waiting *w, const json_t *event)
{
	if (strcmp(json_text(event, "kind"), "veto") != 0)
		return false;
	diag_error(w->diags, NULL, NULL, "%s: %s %s", w->client.run, json_text(event, "partition"),
		json_text(event, "text"));
	return true;
}

/* The run is gone: that is what was asked for, or not. */
static enum bh_exit run_has_ended(struct waiting *w)
{
	w->end_state = NULL;
	if (is_wanted(w->action, "stopped"))
		return BH_EXIT_OK;
	diag_error(w->diags, NULL, NULL, "%s: the run has ended", w->client.run);
	return BH_EXIT_GUEST_FAILED;
}

/* Looks at how things are now: done is BH_EXIT_OK and *RET_DONE. */
static enum bh_exit look_now(struct waiting *w, bool *ret_done)
{
	json_t *status = NULL;
	enum bh_exit code = client_call(&w->client, "status", NULL, NULL, &status);

	if (code && !w->client.ended) /* once more, to say what is wrong */
		return client_call(&w->client, "status", NULL, w->diags, &status);
	if (code) {
		*ret_done = true;
		return run_has_ended(w);
	}
	json_decref(w->status);
	w->status = status;
	*ret_done = look(w);
	if (*ret_done || !w->action->restarts || !w->end_state ||
		strcmp(w->end_state, "failed") != 0)
		return BH_EXIT_OK;
	diag_error(w->diags, NULL, NULL,
		"%s: %s was started again, and failed; the supervisor's messages say why",
		w->client.run, w->partition);
	return BH_EXIT_GUEST_FAILED;
}

static enum bh_exit wait_until_done(struct waiting *w)
{
	bool done = false;
	enum bh_exit code = look_now(w, &done);

	while (!code && !done) {
		json_t *event = NULL;

		client_next_event(&w->client, LOOK_AGAIN_MS, &event);
		if (event && refused(w, event))
			code = BH_EXIT_GUEST_FAILED;
		else
			code = look_now(w, &done);
		json_decref(event);
	}
	return code;
}

static void print_done(const struct waiting *w, bool json)
{
	const char *state = w->partition && w->end_state ? w->end_state : w->action->done;
	const char *name = w->partition ?: w->client.run;

	if (!json)
		printf("%s: %s\n", name, state);
	else
		json_print(json_pack("{s:b, s:s, s:s*, s:s}", "ok", 1, "run", w->client.run,
			"partition", w->partition, "state", state));
}

static enum bh_exit ask_and_wait(struct waiting *w)
{
	json_t *answer = NULL;
	enum bh_exit code;

	/* Followed first, so that nothing is missed. */
	code = client_call(&w->client, "events",
		json_pack("{s:b, s:O}", "follow", 1, "since",
			json_object_get(w->client.status, "last_event")),
		w->diags, &answer);
	json_decref(answer);
	if (code)
		return code;
	w->restarts = w->partition ? restarts_of(w->client.status, w->partition) : 0;
	answer = NULL;
	code = client_call(&w->client, w->action->method,
		w->partition ? json_pack("{s:s}", "partition", w->partition) : NULL, w->diags,
		&answer);
	json_decref(answer);
	return code ? code : wait_until_done(w);
}

int action_run(const struct action *a, const struct action_options *o, const char *name)
{
	struct waiting w = {.action = a};
	struct diags diags;
	enum bh_exit code;

	diags_init(&diags);
	w.diags = &diags;
	code = client_find(o->run, name, TARGET_PARTITION | (a->whole_run ? TARGET_RUN : 0), &diags,
		&w.client, &w.partition);
	if (!code && !w.partition && !a->whole_run) {
		code = (enum bh_exit)command_usage_error(
			a->cmd, "name a partition of run %s", w.client.run);
	} else if (!code) {
		code = ask_and_wait(&w);
	}
	if (!code)
		print_done(&w, o->json);
	json_decref(w.status);
	client_close(&w.client);
	return client_finish(a->cmd, o->json, code, &diags);
}
