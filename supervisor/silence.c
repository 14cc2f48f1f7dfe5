/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Partitions that say nothing: a guest that hangs before its first output, or writes it to where
 * nobody reads, looks like one that is at work. What it is at is told once, until it says something
 * again. A heartbeat is a word, too.
 */
#include "supervisor/run.h"

#include "lib/util.h"

#include <stdatomic.h>

/* How often all are looked at while they may be silent for so long. */
#define LOOKS_PER_SILENCE 5

static uint64_t said_now(const struct child *child)
{
	return atomic_load(&child->shared->said) + atomic_load(&child->shared->beats);
}

static void silence_known(
	struct inspect_waiter *w, struct child *child, const struct inspection *in, const char *why)
{
	double seconds = (double)(monotonic_ns() - child->said_ns) / 1e9;
	AUTO_FREE char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	free(w);
	if (!f)
		return;
	if (in)
		inspection_summarise(in, f);
	else
		fprintf(f, "%s", why);
	fclose(f);
	/* It may have spoken, or ended, meanwhile. */
	if (!child_active(child) || said_now(child) != child->said)
		return;
	run_event(child->run, child, "silence", "no output for %.0f s: %s", seconds, text);
	run_say(child->run, "%s: no output for %.0f s: %s", child->plan->name, seconds, text);
}

static void ask(struct child *child)
{
	struct inspect_waiter *w = calloc(1, sizeof(*w));

	child->silence_told = true;
	if (!w)
		return;
	w->done = silence_known;
	if (child_inspect(child, w))
		free(w);
}

/* Whether it may still have to be told of. */
static bool look(struct child *child)
{
	const struct run_options *o = child->run->options;
	uint64_t now = monotonic_ns(), said = said_now(child);

	if (child->state != CHILD_RUNNING)
		return true;
	if (said != child->said) {
		child->said = said;
		child->said_ns = now;
		child->silence_told = false;
	}
	if (o->silence_first && (said || child->silence_told))
		return false;
	if (!child->silence_told && now - child->said_ns >= o->silence_ns)
		ask(child);
	return true;
}

static void look_at_all(struct loop_timer *t)
{
	struct run *run = container_of(t, struct run, silence);
	bool any = false;

	for (unsigned i = 0; i < run->child_count; i++)
		any = look(&run->children[i]) || any;
	if (any)
		loop_timer_start(t, run->options->silence_ns / LOOKS_PER_SILENCE + 1);
}

void child_silence_start(struct child *child)
{
	/* A guest that is held for a core has nothing to say. */
	if (child_core_pending(child))
		return;
	child->said = said_now(child);
	child->said_ns = monotonic_ns();
	child->silence_told = child->silence_told && child->run->options->silence_first;
	if (child->run->released)
		run_silence_start(child->run);
}

int run_silence_init(struct run *run)
{
	return loop_timer_init(run->loop, &run->silence, look_at_all);
}

void run_silence_start(struct run *run)
{
	if (run->options->silence_ns && !loop_timer_running(&run->silence))
		loop_timer_start(&run->silence, run->options->silence_ns / LOOKS_PER_SILENCE + 1);
}

void run_silence_fini(struct run *run)
{
	loop_timer_fini(&run->silence);
}
