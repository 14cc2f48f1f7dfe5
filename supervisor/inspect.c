/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asks a partition's process what its guest is at, once for all who want to know, and waits for the
 * answer, but not for ever: such a process may be what is wrong.
 */
#include "supervisor/run.h"

#include "lib/ipc.h"
#include "lib/util.h"

#include <errno.h>
#include <string.h>

/* Ends what is going on, for all who wait. */
static void conclude(struct child *child, const char *why)
{
	struct inspection *in = child->inspection;
	struct inspect_waiter *w = child->inspectors, *next;

	loop_timer_stop(&child->inspect_timer);
	child->inspection = NULL;
	child->inspectors = NULL;
	for (; w; w = next) {
		next = w->next;
		w->done(w, child, why ? NULL : in, why);
	}
	inspection_destroy(in);
}

static void answer_late(struct loop_timer *t)
{
	conclude(container_of(t, struct child, inspect_timer),
		"its process does not answer; see whether it is stopped");
}

int child_inspect(struct child *child, struct inspect_waiter *w)
{
	int ret = 0;

	if (!child_active(child))
		return -EINVAL;
	if (!child->inspection) {
		child->inspection = inspection_create(child->plan);
		if (!child->inspection)
			return -ENOMEM;
		child->inspection->lacks_console = child->lacks_console;
		ret = ipc_send(child->control.fd, MSG_INSPECT, NULL, 0);
		loop_timer_start(&child->inspect_timer, INSPECT_PATIENCE_NS);
	}
	if (ret) {
		conclude(child, "");
		return ret;
	}
	w->next = child->inspectors;
	child->inspectors = w;
	return 0;
}

void child_inspect_end(struct child *child)
{
	if (child->inspection)
		conclude(child, "its guest has ended");
}

/* What comes after nobody waits any more, from a process that was late, is no lie. */
bool child_on_vcpu(struct child *child, const void *payload, size_t size)
{
	return !child->inspection || inspection_take_vcpu(child->inspection, payload, size);
}

bool child_on_inspected(struct child *child, const void *payload, size_t size)
{
	if (!child->inspection)
		return true;
	if (!inspection_take_rest(child->inspection, payload, size))
		return false;
	conclude(child, NULL);
	return true;
}

int child_inspect_init(struct child *child)
{
	return loop_timer_init(child->run->loop, &child->inspect_timer, answer_late);
}

void child_inspect_fini(struct child *child)
{
	child_inspect_end(child);
	loop_timer_fini(&child->inspect_timer);
}

/* ---- for all to see ---- */

/* Everything, for who watches; the summary as an event, which is what it waits for. */
static void told(
	struct inspect_waiter *w, struct child *child, const struct inspection *in, const char *why)
{
	AUTO_FREE char *text = NULL, *summary = NULL;
	size_t size;
	FILE *f = in ? open_memstream(&text, &size) : NULL;

	if (f) {
		inspection_print(in, f);
		fclose(f);
		run_observe_text(child->run, child, "inspection", text);
		if (!child->run->observer)
			run_say_lines(child->run, child->plan->name, text);
	}
	f = open_memstream(&summary, &size);
	if (f) {
		if (in)
			inspection_summarise(in, f);
		else
			fprintf(f, "%s", why);
		fclose(f);
		run_event(child->run, child, "inspected", "%s", summary);
	}
	free(w);
}

void run_inspect(struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		struct inspect_waiter *w = calloc(1, sizeof(*w));

		if (!w)
			return;
		w->done = told;
		if (child_inspect(&run->children[i], w))
			free(w);
	}
}
