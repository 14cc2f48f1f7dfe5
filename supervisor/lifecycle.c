/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may happen to a partition between its start and its end because somebody asks for it: pause,
 * resume, restart, kill, and the graceful stop with the safety partition's veto.
 *
 * The safety partition has two ways to keep others from disturbing it, as Jailhouse's root cell
 * knows them: a lock in its control page, under which nobody is reconfigured, and a veto on a stop.
 * A signal to the supervisor is above both: whoever may send it may also kill us.
 */
#include "supervisor/bsp.h"
#include "supervisor/disk.h"
#include "supervisor/helper.h"
#include "supervisor/run.h"

#include "lib/ipc.h"
#include "lib/util.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

/* How often the reply of a guest that may veto is looked at: no message comes for it. */
#define VETO_STEP_NS 5000000

/*
 * Between the end of a partition and its next start: one that dies as it starts must not keep the
 * housekeeping cores busy with starting it.
 */
#define RESTART_DELAY_NS 100000000

/*
 * What is left of a process that has died may have its disks for a while yet, and so may programs
 * that worked for it: so often that is looked at, and for so long.
 */
#define RESTART_STEP_NS     10000000
#define RESTART_PATIENCE_NS 3000000000

enum { STOP_REPLY_NONE, STOP_REPLY_AGREE, STOP_REPLY_VETO }; /* struct partition_shared */

bool run_locked(const struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		const struct child *child = &run->children[i];

		if (child->plan->role == PLAN_SAFETY && child_alive(child) &&
			child->state == CHILD_RUNNING && atomic_load(&child->shared->locked))
			return true;
	}
	return false;
}

/* ---- pause and resume ---- */

/* Asks a child in state NEEDED for ANSWER, unless somebody has. */
static int ask(struct child *child, enum child_state needed, enum partition_message type,
	enum partition_message answer)
{
	int ret;

	if (child->state != needed || !child_alive(child) || child->stop_sent)
		return -EINVAL;
	if (run_locked(child->run))
		return -EBUSY;
	if (child->awaited == answer)
		return 0;
	ret = ipc_send(child->control.fd, (uint16_t)type, NULL, 0);
	if (!ret)
		child->awaited = answer;
	return ret;
}

/* False when ANSWER was not asked for. */
static bool take_answer(struct child *child, enum partition_message answer)
{
	if (child->awaited != answer)
		return false;
	child->awaited = 0;
	return true;
}

int child_pause(struct child *child)
{
	return ask(child, CHILD_RUNNING, MSG_PAUSE, MSG_PAUSED);
}

int child_resume(struct child *child)
{
	return ask(child, CHILD_PAUSED, MSG_RESUME, MSG_RESUMED);
}

bool child_on_paused(struct child *child)
{
	if (!take_answer(child, MSG_PAUSED))
		return false;
	child_watchdog_forgive(child);
	child_set_state(child, CHILD_PAUSED);
	return true;
}

bool child_on_resumed(struct child *child)
{
	if (!take_answer(child, MSG_RESUMED))
		return false;
	child_watchdog_start(child);
	child_silence_start(child);
	child_set_state(child, CHILD_RUNNING);
	return true;
}

/* ---- counters ---- */

int child_request_stats(
	struct child *child, void (*done)(struct child *child, void *ctx), void *ctx)
{
	int ret;

	if (!child_active(child)) {
		done(child, ctx);
		return 0;
	}
	if (child->stats_done)
		return -EBUSY;
	ret = ipc_send(child->control.fd, MSG_STATS_REQUEST, NULL, 0);
	if (ret)
		return ret;
	child->counter_count = 0;
	child->stats_done = done;
	child->stats_ctx = ctx;
	return 0;
}

bool child_on_stats_end(struct child *child)
{
	void (*done)(struct child * child, void *ctx) = child->stats_done;

	child->stats_done = NULL;
	if (done)
		done(child, child->stats_ctx);
	return done != NULL;
}

/* ---- stopping ---- */

static void set_stop_request(struct child *child, bool requested)
{
	atomic_store(&child->shared->stop_reply, STOP_REPLY_NONE);
	atomic_store(&child->shared->stop_request, requested);
}

static void ask_to_end(struct child *child)
{
	child->stop_phase = STOP_PHASE_GRACE;
	if (!child->stopped_for)
		child->stopped_for = STOP_COMMAND;
	atomic_store(&child->shared->stop_request, 1);
	run_event(child->run, child, "stop", "asked to end itself");
	/* One that is paused cannot do as it is asked. */
	if (child->state == CHILD_PAUSED || !child->plan->stop_timeout_ns ||
		ipc_send(child->control.fd, MSG_POWER_BUTTON, NULL, 0))
		child_stop(child, STOP_COMMAND);
	else
		loop_timer_start(&child->stop_timer, child->plan->stop_timeout_ns);
}

/* Whether CHILD was to be started again; it is not any more. */
static bool forget_restart(struct child *child)
{
	bool any = child->restart_wanted || loop_timer_running(&child->restart_timer);

	child->restart_wanted = false;
	child->restart_by_ns = 0;
	loop_timer_stop(&child->restart_timer);
	return any;
}

/* Nobody objects: all are asked to end, and none is started again. Whether there were any. */
static bool end_all(struct run *run)
{
	bool any = false;

	for (unsigned i = 0; i < run->child_count; i++) {
		struct child *child = &run->children[i];

		any = forget_restart(child) || any;
		if (!child_alive(child) || child->state == CHILD_ENDED || child->stop_sent ||
			child->stop_phase != STOP_PHASE_NONE)
			continue;
		any = true;
		if (child_active(child))
			ask_to_end(child);
		else
			child_stop(child, STOP_COMMAND); /* just being started again */
	}
	return any;
}

void child_requests_end(struct child *child)
{
	struct run *run = child->run;

	loop_timer_stop(&child->stop_timer);
	child->awaited = 0;
	if (child->stop_phase != STOP_PHASE_VETO)
		return;
	/* It ends instead of an answer: that is consent. */
	child->stop_phase = STOP_PHASE_GRACE;
	if (run->stop_after_veto)
		end_all(run);
	run->stop_after_veto = false;
}

/* The partition whose veto is one for the whole run. */
static struct child *find_veto(struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		if (run->children[i].plan->veto_ns && child_active(&run->children[i]))
			return &run->children[i];
	}
	return NULL;
}

static void veto_asked(struct child *child)
{
	uint32_t reply = atomic_load(&child->shared->stop_reply);
	struct run *run = child->run;
	bool all = run->stop_after_veto;

	if (reply == STOP_REPLY_NONE && monotonic_ns() < child->veto_deadline_ns) {
		loop_timer_start(&child->stop_timer, VETO_STEP_NS);
		return;
	}
	run->stop_after_veto = false;
	if (reply == STOP_REPLY_VETO) {
		child->stop_phase = STOP_PHASE_NONE;
		child->restart_wanted = false;
		set_stop_request(child, false);
		run_say(run, "%s vetoes the stop: %s goes on", child->plan->name,
			all ? "the run" : "it");
		run_event(run, child, "veto", "vetoes the stop");
		return;
	}
	ask_to_end(child);
	if (all)
		end_all(run);
}

static void ask_for_veto(struct child *child)
{
	child->stop_phase = STOP_PHASE_VETO;
	child->veto_deadline_ns = monotonic_ns() + child->plan->veto_ns;
	set_stop_request(child, true);
	run_event(child->run, child, "stop", "may veto the stop");
	loop_timer_start(&child->stop_timer, VETO_STEP_NS);
}

static void stop_timer_expired(struct loop_timer *t)
{
	struct child *child = container_of(t, struct child, stop_timer);

	if (child->stop_phase == STOP_PHASE_VETO) {
		veto_asked(child);
	} else if (child->stop_phase == STOP_PHASE_GRACE && child_active(child)) {
		run_event(child->run, child, "stop", "did not end itself in time");
		child_stop(child, STOP_COMMAND);
	}
}

/* Of one that has ended there is only a restart to be stopped. */
static int stop_restart(struct child *child)
{
	if (!forget_restart(child))
		return -EINVAL;
	run_event(child->run, child, "stop", "is not started again");
	run_check_done(child->run);
	return 0;
}

static int stop_one(struct child *child)
{
	if (!child_active(child) || child->stop_sent || child->stop_phase != STOP_PHASE_NONE)
		return -EINVAL;
	if (child->plan->veto_ns && child->state == CHILD_RUNNING)
		ask_for_veto(child);
	else
		ask_to_end(child);
	return 0;
}

int child_stop_gracefully(struct child *child)
{
	if (child->plan->role != PLAN_SAFETY && run_locked(child->run))
		return -EBUSY;
	if (child->state == CHILD_ENDED ||
		(child->restart_wanted && child->stop_phase != STOP_PHASE_NONE))
		return stop_restart(child);
	return stop_one(child);
}

int run_stop_gracefully(struct run *run)
{
	struct child *veto = find_veto(run);
	bool any;

	if (!run->released)
		return -EINVAL;
	if (veto && veto->state == CHILD_RUNNING) {
		if (veto->stop_phase == STOP_PHASE_GRACE)
			veto = NULL;
		else if (veto->stop_phase == STOP_PHASE_NONE)
			ask_for_veto(veto);
		run->stop_after_veto = veto != NULL;
		if (veto)
			return 0;
	}
	any = end_all(run);
	run_check_done(run);
	return any ? 0 : -EINVAL;
}

int child_kill(struct child *child)
{
	bool ended = !child_alive(child) || child->state == CHILD_ENDED;

	if (ended && !child->restart_wanted && !loop_timer_running(&child->restart_timer))
		return -EINVAL;
	if (run_locked(child->run))
		return -EBUSY;
	if (ended)
		return stop_restart(child);
	forget_restart(child);
	run_event(child->run, child, "stop", "killed");
	child->stop_sent = true;
	if (!child->stopped_for)
		child->stopped_for = STOP_COMMAND;
	return kill(child->pid, SIGKILL) ? -errno : 0;
}

/* ---- restart ---- */

/* Starts it anew, once what its last process had is free. */
static void start_again(struct child *child)
{
	uint64_t now = monotonic_ns();

	if (!child->restart_by_ns)
		child->restart_by_ns = now + RESTART_PATIENCE_NS;
	if (now < child->restart_by_ns && (helpers_ending(child) || disks_taken(child->plan))) {
		loop_timer_start(&child->restart_timer, RESTART_STEP_NS);
		return;
	}
	child->restart_by_ns = 0;
	child_start_again(child);
}

int child_restart(struct child *child)
{
	int ret;

	if (!child->run->released || child->run->stop != STOP_NONE || child->run->safe_state)
		return -EINVAL;
	if (run_locked(child->run))
		return -EBUSY;
	if (child->state == CHILD_ENDED && !child_alive(child)) {
		start_again(child);
		return 0;
	}
	/* Its process is about to exit. */
	ret = child->state == CHILD_ENDED ? 0 : stop_one(child);
	if (!ret)
		child->restart_wanted = true;
	return ret;
}

static void restart_due(struct loop_timer *t)
{
	struct child *child = container_of(t, struct child, restart_timer);

	if (child->run->stop == STOP_NONE && !child->run->safe_state)
		start_again(child);
	else
		run_check_done(child->run); /* it was all that the run waited for */
}

void child_restart_if_wanted(struct child *child)
{
	if (!child->restart_wanted || child->failed || child->run->stop != STOP_NONE ||
		child->run->safe_state)
		return;
	child->restart_wanted = false;
	loop_timer_start(&child->restart_timer, RESTART_DELAY_NS);
}

/* ---- states and their words ---- */

void child_set_state(struct child *child, enum child_state state)
{
	child->state = state;
	run_event(child->run, child, "state", "%s", child_state_name(child));
	run_bsp_state(child->run, child->plan->name, child_bsp_state(child));
	run_status_changed(child->run);
}

enum bsp_partition_state child_bsp_state(const struct child *child)
{
	switch (child->state) {
	case CHILD_RUNNING:
		return child->parked ? BSP_PARTITION_PARKED : BSP_PARTITION_RUNNING;
	case CHILD_PAUSED:
		return BSP_PARTITION_PAUSED;
	case CHILD_ENDED:
		return child_exit_code(child) == BH_EXIT_OK ? BSP_PARTITION_STOPPED
							    : BSP_PARTITION_FAILED;
	default:
		return BSP_PARTITION_CREATED;
	}
}

const char *child_state_name(const struct child *child)
{
	static const char *const names[] = {
		[BSP_PARTITION_CREATED] = "created",
		[BSP_PARTITION_RUNNING] = "running",
		[BSP_PARTITION_PAUSED] = "paused",
		[BSP_PARTITION_STOPPED] = "stopped",
		[BSP_PARTITION_FAILED] = "failed",
		[BSP_PARTITION_PARKED] = "parked",
	};

	return names[child_bsp_state(child)];
}

const char *run_state_name(const struct run *run)
{
	if (run->stop != STOP_NONE || run->safe_state)
		return "TERMINATION";
	return run->released ? "OPERATIONAL" : "INIT";
}

int child_lifecycle_init(struct child *child)
{
	struct loop *loop = child->run->loop;
	int ret = loop_timer_init(loop, &child->stop_timer, stop_timer_expired);

	return ret ? ret : loop_timer_init(loop, &child->restart_timer, restart_due);
}

void child_lifecycle_fini(struct child *child)
{
	loop_timer_fini(&child->stop_timer);
	loop_timer_fini(&child->restart_timer);
}
