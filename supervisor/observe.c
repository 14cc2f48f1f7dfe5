/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For whoever has started this run to watch it (`bulkhead test`): a line of JSON on a descriptor
 * for each event, in the form that the control protocol gives it, and for each sample of what the
 * partitions count. A reader that does not read loses lines, which the next one tells.
 */
#include "supervisor/methods.h"
#include "supervisor/run.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

/* A pipe that polls writable takes this much without blocking [POSIX PIPE_BUF on Linux]; no line is
 * longer. */
#define LINE_BYTES_MAX 4096

struct observer {
	struct run *run;
	struct event_follower follower;
	struct loop_timer timer;
	uint64_t lost; /* lines, since the last that went */
};

/* All of it or nothing, without blocking. */
static bool write_line(int fd, const char *line, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	ssize_t n = send(fd, line, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == ENOTSOCK && poll(&p, 1, 0) > 0)
		n = write(fd, line, size);
	return n == (ssize_t)size;
}

static void tell(struct observer *o, json_t *event)
{
	AUTO_FREE char *line = NULL;
	size_t size;

	if (o->lost)
		json_object_set_new(event, "lost", json_integer((json_int_t)o->lost));
	line = json_dumps(event, JSON_COMPACT);
	json_decref(event);
	size = line ? strlen(line) : LINE_BYTES_MAX;
	if (size < LINE_BYTES_MAX) {
		line[size] = '\n';
		if (write_line(o->run->options->events_fd, line, size + 1)) {
			o->lost = 0;
			return;
		}
	}
	o->lost++;
}

static void happened(struct event_follower *f, const struct event *e)
{
	tell(container_of(f, struct observer, follower), event_json(e));
}

/* So that a line of JSON, in which each character may take several, is short enough. */
#define CHUNK_BYTES_MAX 1500

void run_observe_text(
	struct run *run, const struct child *child, const char *kind, const char *text)
{
	while (run->observer && *text) {
		size_t size = min_u64(strlen(text), CHUNK_BYTES_MAX);
		const char *end = memrchr(text, '\n', size);

		if (end)
			size = (size_t)(end - text) + 1;
		tell(run->observer, json_pack("{s:s, s:I, s:s, s:s%}", "kind", kind, "monotonic_ns",
					    (json_int_t)monotonic_ns(), "partition",
					    child->plan->name, "text", text, size));
		text += size;
	}
}

static void counted(struct child *child, void *ctx)
{
	const struct partition_shared *s = child->shared;
	uint64_t exits = 0;

	for (unsigned i = 0; i < child->counter_count; i++)
		exits += child->counters[i].count;
	tell(ctx, json_pack("{s:s, s:I, s:s, s:I, s:I, s:I, s:I}", "kind", "sample", "monotonic_ns",
			  (json_int_t)monotonic_ns(), "partition", child->plan->name, "exits",
			  (json_int_t)exits, "beats", (json_int_t)atomic_load(&s->beats),
			  "last_beat_ns", (json_int_t)atomic_load(&s->last_beat_ns),
			  "longest_gap_ns", (json_int_t)atomic_load(&s->longest_gap_ns)));
}

static void sample(struct loop_timer *t)
{
	struct observer *o = container_of(t, struct observer, timer);

	for (unsigned i = 0; i < o->run->child_count; i++) {
		struct child *child = &o->run->children[i];

		/* Busy with the last request still, or with somebody else's: the next time. */
		if (child_active(child))
			(void)child_request_stats(child, counted, o);
	}
	loop_timer_start(t, o->run->options->sample_ns);
}

int run_observe(struct run *run)
{
	struct observer *o;
	int ret = 0;

	if (!run->options->events_fd)
		return 0;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	run->observer = o;
	o->run = run;
	o->follower.happened = happened;
	event_follow(&run->events, &o->follower);
	if (run->options->sample_ns) {
		ret = loop_timer_init(run->loop, &o->timer, sample);
		if (!ret)
			loop_timer_start(&o->timer, run->options->sample_ns);
	}
	return ret;
}

void run_unobserve(struct run *run)
{
	struct observer *o = run->observer;

	if (!o)
		return;
	event_unfollow(&run->events, &o->follower);
	loop_timer_fini(&o->timer);
	free(o);
	run->observer = NULL;
}
