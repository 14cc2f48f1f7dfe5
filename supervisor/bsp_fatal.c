/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What becomes of a bsp_fatal_error: expected, entered, ended, overstayed. It is read from the
 * shared page, so that it is known of a hook that never ends, too.
 */
#include "supervisor/bsp.h"

#include "lib/ipc.h"
#include "lib/util.h"
#include "supervisor/run.h"

#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

const char *bsp_duration(uint64_t ns, char buf[BSP_DURATION_MAX])
{
	if (ns < 10000000)
		snprintf(buf, BSP_DURATION_MAX, "%" PRIu64 " us", (ns + 500) / 1000);
	else
		snprintf(buf, BSP_DURATION_MAX, "%" PRIu64 " ms", (ns + 500000) / 1000000);
	return buf;
}

/* Starts the timer for the next bsp_fatal_error that may overstay. */
static void arm_deadline(struct run_bsp *bsp)
{
	uint64_t next = UINT64_MAX, now = monotonic_ns();

	for (unsigned i = 0; i < bsp->core_count; i++) {
		const struct bsp_core *c = &bsp->cores[i];

		if (c->expected_ns && !c->concluded)
			next = min_u64(next, c->expected_ns);
	}
	if (next == UINT64_MAX) {
		loop_timer_stop(&bsp->timer);
		return;
	}
	next += bsp->run->plan->bsp.deadline_ns;
	loop_timer_start(&bsp->timer, next > now ? next - now : 1);
}

static void expect_fatal(struct run_bsp *bsp, struct bsp_core *c)
{
	if (c->expected_ns)
		return;
	c->expected_ns = monotonic_ns();
	arm_deadline(bsp);
}

void bsp_expect_entered(struct run_bsp *bsp)
{
	for (unsigned i = 0; i < bsp->core_count; i++) {
		if (atomic_load(&bsp->shared[i].state) >= BSP_CORE_FATAL)
			expect_fatal(bsp, &bsp->cores[i]);
	}
}

/* From FROM to TO as the BSP has written them down: 0 when they are no such times. */
static uint64_t elapsed(uint64_t from, uint64_t to)
{
	return from && to > from ? to - from : 0;
}

/* Says what became of it; nothing about it is expected any more. */
static void conclude_fatal(struct run_bsp *bsp, struct bsp_core *c, const char *died)
{
	const struct bsp_shared_core *s = &bsp->shared[c - bsp->cores];
	uint32_t state = atomic_load(&s->state);
	uint64_t entered = atomic_load(&s->entered_ns), ended = atomic_load(&s->ended_ns);
	char after[BSP_DURATION_MAX], took[BSP_DURATION_MAX], limit[BSP_DURATION_MAX];

	if (c->concluded)
		return;
	c->concluded = true;
	bsp_duration(elapsed(atomic_load(&s->event_ns), entered), after);
	bsp_duration(elapsed(entered, ended), took);
	bsp_duration(bsp->run->plan->bsp.deadline_ns, limit);
	if (state == BSP_CORE_HALTED)
		run_say(bsp->run,
			"bsp: core %u: bsp_fatal_error was entered %s after the event and halted the "
			"core %s later",
			c->core, after, took);
	else if (state == BSP_CORE_RETURNED)
		run_say(bsp->run,
			"bsp: core %u: bsp_fatal_error was entered %s after the event and returned %s "
			"later, which it must not; the vCPU stays parked",
			c->core, after, took);
	else if (died)
		run_say(bsp->run, "bsp: core %u: its process %s %s; the vCPU stays parked", c->core,
			died,
			state == BSP_CORE_FATAL ? "in bsp_fatal_error" : "before bsp_fatal_error");
	else if (state == BSP_CORE_FATAL)
		run_say(bsp->run,
			"bsp: core %u: bsp_fatal_error was entered %s after the event and has not "
			"ended within its deadline of %s; the vCPU stays parked",
			c->core, after, limit);
	else
		run_say(bsp->run,
			"bsp: core %u: bsp_fatal_error was not entered within its deadline of %s: its "
			"thread did not get to run; the vCPU stays parked",
			c->core, limit);
}

void bsp_note_entered(struct run_bsp *bsp)
{
	for (unsigned i = 0; i < bsp->core_count; i++) {
		struct bsp_core *c = &bsp->cores[i];

		if (c->expected_ns || atomic_load(&bsp->shared[i].state) < BSP_CORE_FATAL)
			continue;
		expect_fatal(bsp, c);
		if (bsp->alarmed)
			bsp->alarmed(bsp->run, c->core);
	}
}

/*
 * A hook that keeps its core busy keeps the vCPU's thread from telling its process, and with it us:
 * the shared page tells.
 */
void bsp_fatal_look(struct loop_timer *t)
{
	struct run_bsp *bsp = container_of(t, struct run_bsp, look);

	if (bsp->phase != BSP_OPERATIONAL)
		return;
	bsp_note_entered(bsp);
	loop_timer_start(t, BSP_LOOK_NS);
}

bool bsp_on_left(struct run_bsp *bsp, const struct ipc_message *m)
{
	struct bsp_message_core head;
	struct bsp_core *c;

	if (m->size != sizeof(head) || (bsp->phase != BSP_OPERATIONAL && bsp->phase != BSP_INIT))
		return false;
	memcpy(&head, m->payload, sizeof(head));
	if (head.index >= bsp->core_count)
		return false;
	/* The last core's answer is still to come: a partition was too early with its alarm. */
	if (bsp->phase == BSP_INIT)
		return true;
	c = &bsp->cores[head.index];
	if (!c->expected_ns && bsp->alarmed)
		bsp->alarmed(bsp->run, c->core);
	expect_fatal(bsp, c);
	conclude_fatal(bsp, c, NULL);
	arm_deadline(bsp);
	bsp_call_settled(bsp);
	return true;
}

/* Those who share the eventfd can fill it and have writes wait; full, it is an alarm already. */
static void raise_alarm(int fd)
{
	const uint64_t alarm = BSP_ALARM;
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (poll(&p, 1, 0) > 0)
		(void)!write(fd, &alarm, sizeof(alarm));
}

void run_bsp_fatal(struct run *run, unsigned host_core, uint64_t event_ns)
{
	struct run_bsp *bsp = run->bsp;

	for (unsigned i = 0; bsp && bsp->phase == BSP_OPERATIONAL && i < bsp->core_count; i++) {
		struct bsp_core *c = &bsp->cores[i];
		bool again = c->expected_ns != 0;

		if (c->core != host_core)
			continue;
		expect_fatal(bsp, c);
		if (atomic_load(&bsp->shared[i].state) >= BSP_CORE_FATAL)
			continue;
		if (!again)
			atomic_store(
				&bsp->shared[i].event_ns, event_ns ? event_ns : monotonic_ns());
		/* Again, too: the partition has the descriptor, and may have taken the alarm away
		 * before it died. */
		raise_alarm(c->alarm_fd);
	}
}

bool run_bsp_busy(const struct run *run)
{
	for (unsigned i = 0; run->bsp && i < run->bsp->core_count; i++) {
		const struct bsp_core *c = &run->bsp->cores[i];

		if (c->expected_ns && !c->concluded)
			return true;
	}
	return false;
}

void bsp_fatal_overstayed(struct run_bsp *bsp)
{
	uint64_t deadline = bsp->run->plan->bsp.deadline_ns, now = monotonic_ns();

	for (unsigned i = 0; i < bsp->core_count; i++) {
		struct bsp_core *c = &bsp->cores[i];

		if (c->expected_ns && now >= c->expected_ns + deadline)
			conclude_fatal(bsp, c, NULL);
	}
	arm_deadline(bsp);
	bsp_call_settled(bsp);
}

bool bsp_conclude_all(struct run_bsp *bsp, const char *how)
{
	bool any = run_bsp_busy(bsp->run);

	for (unsigned i = 0; i < bsp->core_count; i++) {
		if (bsp->cores[i].expected_ns)
			conclude_fatal(bsp, &bsp->cores[i], how);
	}
	return any;
}

void bsp_call_settled(struct run_bsp *bsp)
{
	if (bsp->settled)
		bsp->settled(bsp->run);
}
