/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * partition/guestlog.h says what it is for. A vCPU thread wakes the I/O thread only when it puts a
 * line into an empty queue, or drops one and then finds it empty. Each side first stores its own
 * half, then looks at the other's, with a full fence between the two: at least one of them sees the
 * other, so that no line is left lying.
 */
#include "partition/guestlog.h"

#include "lib/ipc.h"
#include "lib/util.h"
#include "partition/protocol.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- vCPU threads ---- */

/* The queue's end as it was before; the caller holds the lock. */
static unsigned append(struct guestlog *g, const char *text, size_t size)
{
	unsigned head = atomic_load_explicit(&g->head, memory_order_relaxed);
	struct guestlog_line *line = &g->lines[head % GUESTLOG_LINES];

	if (head - atomic_load_explicit(&g->tail, memory_order_acquire) == GUESTLOG_LINES) {
		atomic_fetch_add_explicit(&g->dropped, 1, memory_order_relaxed);
		return head;
	}
	line->size = (uint16_t)min_u64(size, sizeof(line->text));
	memcpy(line->text, text, line->size);
	atomic_store_explicit(&g->head, head + 1, memory_order_release);
	return head;
}

void guestlog_put(struct guestlog *g, const char *text, size_t size)
{
	const uint64_t one = 1;
	unsigned end;

	pthread_mutex_lock(&g->lock);
	end = append(g, text, size);
	pthread_mutex_unlock(&g->lock);
	atomic_thread_fence(memory_order_seq_cst);
	/* EAGAIN means that a wake-up is pending already. */
	if (atomic_load_explicit(&g->tail, memory_order_relaxed) == end)
		(void)!write(g->wake_fd, &one, sizeof(one));
}

/* ---- the I/O thread ---- */

static const struct guestlog_line *first_line(struct guestlog *g)
{
	unsigned tail = atomic_load_explicit(&g->tail, memory_order_relaxed);

	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&g->head, memory_order_acquire) == tail)
		return NULL;
	return &g->lines[tail % GUESTLOG_LINES];
}

/*
 * Sends LINE (NULL: none), and how many were dropped before it if TELL says so. False when the
 * supervisor does not read just now.
 */
static bool send_line(struct guestlog *g, const struct guestlog_line *line, bool tell)
{
	struct {
		struct message_log log;
		char text[BULKHEAD_LOG_MAX];
	} m;
	size_t size = line ? line->size : 0;
	uint64_t dropped = tell ? atomic_load(&g->dropped) : 0;

	m.log.dropped = dropped;
	if (line)
		memcpy(m.text, line->text, size);
	if (ipc_send(g->supervisor_fd, MSG_LOG, &m, sizeof(m.log) + size) == -EAGAIN)
		return false;
	atomic_fetch_sub(&g->dropped, dropped);
	g->dropped_before += dropped;
	if (line)
		atomic_fetch_add_explicit(&g->tail, 1, memory_order_release);
	return true;
}

/*
 * Sends as many lines as *BUDGET says, which they use up, and tells once of those that were
 * dropped. False: there is more.
 */
static bool send_lines(struct guestlog *g, unsigned *budget)
{
	const struct guestlog_line *line;
	bool told = false;

	while (*budget && (line = first_line(g))) {
		if (!send_line(g, line, !told))
			return false;
		told = true;
		--*budget;
	}
	if (!*budget)
		return false;
	return !atomic_load(&g->dropped) || (!told && send_line(g, NULL, true));
}

void guestlog_pump(struct guestlog *g)
{
	bool all = send_lines(g, &g->budget);

	if ((!all || g->budget < GUESTLOG_TURN_LINES) && !loop_timer_running(&g->turn))
		loop_timer_start(&g->turn, GUESTLOG_TURN_NS);
}

static void turn_over(struct loop_timer *t)
{
	struct guestlog *g = container_of(t, struct guestlog, turn);

	g->budget = GUESTLOG_TURN_LINES;
	guestlog_pump(g);
}

int guestlog_init(struct guestlog *g, struct loop *loop, int supervisor_fd, int wake_fd)
{
	memset(g, 0, sizeof(*g));
	g->supervisor_fd = supervisor_fd;
	g->wake_fd = wake_fd;
	g->budget = GUESTLOG_TURN_LINES;
	pthread_mutex_init(&g->lock, NULL);
	return loop_timer_init(loop, &g->turn, turn_over);
}

void guestlog_flush(struct guestlog *g)
{
	unsigned budget = GUESTLOG_LINES;

	loop_timer_stop(&g->turn);
	send_lines(g, &budget);
}

uint64_t guestlog_count(const struct guestlog *g)
{
	return g->dropped_before + atomic_load(&g->dropped) + atomic_load(&g->head);
}

uint64_t guestlog_lost(const struct guestlog *g)
{
	return g->dropped_before + atomic_load(&g->dropped) +
	       (atomic_load(&g->head) - atomic_load(&g->tail));
}
