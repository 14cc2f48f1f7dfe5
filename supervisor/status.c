/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The status page (include/bulkhead/status.h): a page that the safety partition reads and nobody
 * but us can write: the memfd is sealed against writing once we have it mapped.
 */
#include "supervisor/run.h"

#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

/* How often heartbeats and their ages are written anew. */
#define TICK_NS 10000000

struct status_page {
	struct run *run;
	const struct child *reader;
	int fd;
	int irq_fd; /* -1: the plan gives no interrupt */
	struct bulkhead_status *page;
	struct loop_timer tick;
};

static enum bulkhead_run_state run_state(const struct run *run)
{
	if (run->stop != STOP_NONE || run->safe_state)
		return BULKHEAD_RUN_TERMINATION;
	return run->released ? BULKHEAD_RUN_OPERATIONAL : BULKHEAD_RUN_INIT;
}

/* The BSP and the page have the same states. */
static const uint32_t page_states[] = {
	[BSP_PARTITION_CREATED] = BULKHEAD_PARTITION_CREATED,
	[BSP_PARTITION_RUNNING] = BULKHEAD_PARTITION_RUNNING,
	[BSP_PARTITION_PAUSED] = BULKHEAD_PARTITION_PAUSED,
	[BSP_PARTITION_STOPPED] = BULKHEAD_PARTITION_STOPPED,
	[BSP_PARTITION_FAILED] = BULKHEAD_PARTITION_FAILED,
	[BSP_PARTITION_PARKED] = BULKHEAD_PARTITION_PARKED,
};

static void write_entry(const struct child *child, struct bulkhead_status_entry *e)
{
	uint64_t last = atomic_load(&child->shared->last_beat_ns), now = monotonic_ns();

	e->state = page_states[child_bsp_state(child)];
	e->end = child->last_cause;
	e->code = child->last_code;
	e->restarts = child->restarts;
	e->beats = atomic_load(&child->shared->beats);
	e->beat_age_us = last ? (now - min_u64(last, now)) / 1000 : BULKHEAD_STATUS_NO_BEAT;
}

static void write_page(struct status_page *s, bool changed)
{
	struct bulkhead_status *page = s->page;
	const struct run *run = s->run;

	__atomic_store_n(&page->sequence, page->sequence + 1, __ATOMIC_RELAXED);
	/* Nobody sees what follows before the odd sequence, nor the even one before it. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	page->updates += changed;
	page->run_state = run_state(run);
	page->safe_state = run->safe_state != NULL;
	for (unsigned i = 0; i < page->count; i++)
		write_entry(&run->children[i], &page->entries[i]);
	__atomic_store_n(&page->sequence, page->sequence + 1, __ATOMIC_RELEASE);
}

static void tick(struct loop_timer *t)
{
	struct status_page *s = container_of(t, struct status_page, tick);

	write_page(s, false);
	loop_timer_start(t, TICK_NS);
}

void run_status_changed(struct run *run)
{
	struct status_page *s = run->status;
	const uint64_t one = 1;

	if (!s)
		return;
	write_page(s, true);
	if (s->irq_fd >= 0)
		(void)!write(s->irq_fd, &one, sizeof(one)); /* full: it is signalled already */
	if (!loop_timer_running(&s->tick))
		loop_timer_start(&s->tick, TICK_NS);
}

static int page_create(struct status_page *s)
{
	void *page;

	s->fd = memfd_create("bulkhead-status", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->fd < 0 || ftruncate(s->fd, BULKHEAD_STATUS_SIZE))
		return -errno;
	page = mmap(NULL, BULKHEAD_STATUS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	s->page = page;
	if (fcntl(s->fd, F_ADD_SEALS,
		    F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	if (s->reader->plan->status_irq) {
		s->irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (s->irq_fd < 0)
			return -errno;
	}
	return loop_timer_init(s->run->loop, &s->tick, tick);
}

int run_status_init(struct run *run)
{
	const struct child *reader = NULL;
	struct status_page *s;
	int ret;

	for (unsigned i = 0; i < run->child_count; i++) {
		if (run->children[i].plan->status_page)
			reader = &run->children[i];
	}
	if (!reader)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct status_page){.run = run, .reader = reader, .fd = -1, .irq_fd = -1};
	run->status = s;
	ret = page_create(s);
	if (ret)
		return ret;
	s->page->magic = BULKHEAD_STATUS_MAGIC;
	s->page->version = BULKHEAD_STATUS_VERSION;
	s->page->entry_size = sizeof(struct bulkhead_status_entry);
	s->page->count = (uint32_t)min_u64(run->child_count, BULKHEAD_STATUS_ENTRIES_MAX);
	s->page->own = reader->index;
	for (unsigned i = 0; i < s->page->count; i++)
		snprintf(s->page->entries[i].name, sizeof(s->page->entries[i].name), "%s",
			run->children[i].plan->name);
	write_page(s, false);
	return 0;
}

void run_status_fini(struct run *run)
{
	struct status_page *s = run->status;

	if (!s)
		return;
	loop_timer_fini(&s->tick);
	if (s->page)
		munmap(s->page, BULKHEAD_STATUS_SIZE);
	fd_close(&s->fd);
	fd_close(&s->irq_fd);
	free(s);
	run->status = NULL;
}

int run_status_fd(const struct run *run, const struct child *child)
{
	return run->status && run->status->reader == child ? run->status->fd : -1;
}

int run_status_irq_fd(const struct run *run, const struct child *child)
{
	return run->status && run->status->reader == child ? run->status->irq_fd : -1;
}
