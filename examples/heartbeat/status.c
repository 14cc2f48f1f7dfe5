/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the other partitions of the run are doing, read from the status page at status=ADDRESS.
 * With status_irq=GSI it is looked at after its interrupt, without at each beat.
 */
#include "heartbeat.h"

#include "guest.h"

#include <bulkhead/status.h>

#define TRIES 100

static const volatile struct bulkhead_status *page;
static struct bulkhead_status copy;
static bool by_interrupt;
static uint64_t printed; /* copy.updates when it was printed last */
static volatile bool pending;

static void status_interrupt(void)
{
	pending = true;
}

void status_init(void)
{
	uint64_t gsi = cmdline_number("status_irq", 0);

	page = (const volatile struct bulkhead_status *)cmdline_number("status", 0);
	if (!page)
		return;
	if (page->magic != BULKHEAD_STATUS_MAGIC || page->version != BULKHEAD_STATUS_VERSION)
		panic("status: no status page at %p", (void *)(uintptr_t)page);
	pending = true;
	if (!gsi)
		return;
	by_interrupt = true;
	gsi_set((unsigned)gsi, status_interrupt);
}

static const char *word(const char *const *words, unsigned count, uint32_t i)
{
	return i < count && words[i] ? words[i] : "unknown";
}

static void print_entry(const struct bulkhead_status_entry *e)
{
	static const char *const states[] = {
		"created", "running", "paused", "stopped", "failed", "parked"};
	static const char *const ends[] = {[BULKHEAD_END_NONE] = "none",
		[BULKHEAD_END_POWER_OFF] = "power-off",
		[BULKHEAD_END_RESET] = "reset",
		[BULKHEAD_END_EXIT_CODE] = "exit code",
		[BULKHEAD_END_STOPPED] = "stopped",
		[BULKHEAD_END_PANIC] = "panic",
		[BULKHEAD_END_TRIPLE_FAULT] = "triple fault",
		[BULKHEAD_END_INTERNAL_ERROR] = "internal error",
		[BULKHEAD_END_FAIL_ENTRY] = "failed entry",
		[BULKHEAD_END_UNKNOWN_EXIT] = "unknown exit",
		[BULKHEAD_END_MONITOR_ERROR] = "monitor error",
		[BULKHEAD_END_VIOLATION] = "violation",
		[BULKHEAD_END_WATCHDOG] = "watchdog",
		[BULKHEAD_END_CRASHED] = "crashed"};

	kprintf("status: %s %s, end: %s (%u), %u restarts, %lu beats", e->name,
		word(states, ARRAY_SIZE(states), e->state), word(ends, ARRAY_SIZE(ends), e->end),
		e->code, e->restarts, e->beats);
	if (e->beat_age_us != BULKHEAD_STATUS_NO_BEAT)
		kprintf(", the last %lu us ago", e->beat_age_us);
	kprintf("\n");
}

void status_poll(void)
{
	static const char *const states[] = {"INIT", "OPERATIONAL", "TERMINATION"};

	if (!page || (by_interrupt ? !pending : !pending && page->updates == printed))
		return;
	/* Before the reading: what changes during it interrupts again. */
	pending = false;
	if (!bulkhead_status_read(page, &copy, TRIES)) {
		pending = true;
		return;
	}
	printed = copy.updates;
	kprintf("status: update %lu, run %s%s, %u partitions, this one is %u\n", copy.updates,
		word(states, ARRAY_SIZE(states), copy.run_state),
		copy.safe_state ? ", safe state" : "", copy.count, copy.own);
	for (uint32_t i = 0; i < copy.count && i < BULKHEAD_STATUS_ENTRIES_MAX; i++)
		print_entry(&copy.entries[i]);
}
