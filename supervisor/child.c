/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One partition's process, as the supervisor sees it: set-up, listening to it, its end, and its
 * next start.
 */
#include "supervisor/bsp.h"
#include "supervisor/helper.h"
#include "supervisor/run.h"
#include "supervisor/shared.h"

#include "lib/ipc.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* What a partition may still need after its guest's end: draining its consoles, a report. */
#define LINGER_NS 5000000000

/* Messages taken from one partition before others get their turn. */
#define MESSAGES_PER_TURN 16

/* More than an honest partition can have left in its socket. */
#define LAST_WORDS_MAX 1024

static void linger_expired(struct loop_timer *t)
{
	struct child *child = container_of(t, struct child, linger);

	if (child_core_pending(child))
		loop_timer_start(&child->linger, LINGER_NS);
	else if (child_alive(child))
		kill(child->pid, SIGKILL);
}

void child_concluded(struct child *child)
{
	const struct message_ended *r = &child->result;

	child->last_cause = r->cause;
	child->last_code = r->code;
	child_requests_end(child);
	child_inspect_end(child);
	child_watchdog_stop(child);
	child_shared_ended(child, false);
	if (child->run->released && child_is_fatal(child))
		child_fatal(child, r->event_ns ? r->event_ns : monotonic_ns());
	else if (r->end == PARTITION_RESET && child->plan->on_reset == PLAN_RESET_RESTART &&
		 !child_stopping(child))
		child->restart_wanted = true;
	child_set_state(child, CHILD_ENDED);
	child_core_at_end(child);
	/* One that was stopped wins no time by that. */
	if (!loop_timer_running(&child->linger))
		loop_timer_start(&child->linger, LINGER_NS);
}

void child_not_created(struct child *child)
{
	struct run *run = child->run;

	child->failed = true;
	child->result = (struct message_ended){.vcpu = -1};
	snprintf(child->result.how, sizeof(child->result.how), "it could not be created again");
	child_set_state(child, CHILD_ENDED);
	/* The process is about to exit. */
	if (child_alive(child))
		loop_timer_start(&child->linger, LINGER_NS);
	if (!run->released)
		return;
	run_event(run, child, "error", "%s", child->result.how);
	run_say_lines(run, NULL, child->report ? child->report : "");
	if (child->plan->on_fatal == PLAN_FATAL_SAFE_STATE) {
		child_fatal(child, monotonic_ns());
		run_say(run, "%s: %s; %s", child->plan->name, child->result.how,
			child_fatal_consequence(child));
	}
}

/* ---- the end of a process ---- */

static void control_ready(struct loop_watch *w, uint32_t revents)
{
	struct child *child = container_of(w, struct child, control);

	(void)revents;
	child_receive(child, MESSAGES_PER_TURN);
	run_check_ready(child->run);
}

/* What is known of a process that died without saying how its guest ended. */
static void conclude_crash(struct child *child, const siginfo_t *info)
{
	struct message_ended *r = &child->result;
	bool killed = info->si_code != CLD_EXITED && info->si_status == SIGKILL;

	*r = (struct message_ended){.vcpu = -1, .stopped_ns = monotonic_ns()};
	if (child->stop_sent && killed && !child->broke_protocol) {
		r->end = PARTITION_STOPPED; /* by us */
		r->cause = BULKHEAD_END_STOPPED;
		/* One that is just being started again has run before. */
		child->has_result = child_state_active(child->state) || child->restarts;
		child_concluded(child);
		return;
	}
	r->end = PARTITION_CRASHED;
	r->cause = BULKHEAD_END_CRASHED;
	if (child->broke_protocol)
		snprintf(r->how, sizeof(r->how), "its process broke the protocol and was killed");
	else if (info->si_code == CLD_EXITED)
		snprintf(r->how, sizeof(r->how), "its process ended with status %d",
			info->si_status);
	else if (info->si_status == SIGSYS)
		snprintf(r->how, sizeof(r->how),
			"its process made a system call that its lock-down forbids");
	else
		snprintf(r->how, sizeof(r->how), "its process was killed by signal %d (%s)",
			info->si_status, sigabbrev_np(info->si_status) ?: "?");
	child->has_result = true;
	child_concluded(child);
	if (child->run->released)
		run_say(child->run, "%s: %s; %s", child->plan->name, r->how,
			child_fatal_consequence(child));
}

static void child_exited(struct loop_watch *w, uint32_t revents)
{
	struct child *child = container_of(w, struct child, exited);
	siginfo_t info = {0};

	(void)revents;
	if (waitid(P_PID, (id_t)child->pid, &info, WEXITED)) {
		info.si_code = CLD_EXITED;
		info.si_status = -1; /* somebody else has reaped it */
	}
	child->pid = 0;
	child_shared_ended(child, true);
	/* Its last words may still be in the socket. */
	child_receive(child, LAST_WORDS_MAX);
	child_core_gone(child);
	helpers_end(child);
	loop_unwatch(child->run->loop, w);
	fd_close(&w->fd);
	if (!child->has_result && !child->failed)
		conclude_crash(child, &info);
	else if (child->broke_protocol)
		run_say(child->run,
			"%s: its process broke the protocol after the end and was killed",
			child->plan->name);
	if (child->stats_done)
		child_on_stats_end(child);
	loop_timer_stop(&child->linger);
	child_restart_if_wanted(child);
	run_check_ready(child->run);
	run_check_done(child->run);
}

/* ---- set-up ---- */

int child_init(struct child *child, struct run *run, unsigned index)
{
	void *shared;
	int ret;

	*child = (struct child){
		.run = run,
		.plan = &run->plan->partitions[index],
		.index = index,
		.shared_fd = -1,
		.control = {.fd = -1, .slot = -1, .events = POLLIN, .ready = control_ready},
		.exited = {.fd = -1, .slot = -1, .events = POLLIN, .ready = child_exited},
	};
	ret = child_core_init(child);
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++)
		child->port_fds[i] = child->port_others[i] = -1;
	memset(child->taps, -1, sizeof(child->taps));
	if (!ret)
		ret = loop_timer_init(run->loop, &child->linger, linger_expired);
	if (!ret)
		ret = child_lifecycle_init(child);
	if (!ret)
		ret = child_inspect_init(child);
	if (ret)
		return ret;
	/* Sealed: nobody takes the page away from under us. */
	child->shared_fd = memfd_create("bulkhead-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (child->shared_fd < 0 || ftruncate(child->shared_fd, sizeof(*child->shared)) ||
		fcntl(child->shared_fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW))
		return -errno;
	shared = mmap(NULL, sizeof(*child->shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		child->shared_fd, 0);
	if (shared == MAP_FAILED)
		return -errno;
	child->shared = shared;
	return 0;
}

void child_fini(struct child *child)
{
	child_inspect_fini(child); /* who waits still looks at the rest */
	helpers_fini(child);
	child_core_fini(child);
	fd_close(&child->control.fd);
	fd_close(&child->exited.fd);
	fd_close(&child->shared_fd);
	child_close_ports(child);
	for (unsigned i = 0; i < ARRAY_SIZE(child->taps); i++) {
		for (unsigned k = 0; k < ARRAY_SIZE(child->taps[i]); k++)
			fd_close(&child->taps[i][k]);
	}
	if (child->shared)
		munmap(child->shared, sizeof(*child->shared));
	loop_timer_fini(&child->linger);
	loop_timer_fini(&child->watchdog);
	child_lifecycle_fini(child);
	free(child->gaps);
	free(child->report);
	free(child->counters);
}

/* Starts listening to a child; one that cannot be listened to is killed. */
int child_watch(struct child *child, struct diags *diags)
{
	struct loop *loop = child->run->loop;
	int ret = loop_watch(loop, &child->control);

	if (!ret)
		ret = loop_watch(loop, &child->exited);
	if (!ret)
		return 0;
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	child->pid = 0;
	child->state = CHILD_NONE;
	loop_unwatch(loop, &child->control);
	fd_close(&child->exited.fd);
	diag_error(diags, &child->plan->locs[PLAN_KEY_PARTITION], child->plan->name,
		"its process cannot be watched: %s; %s", strerror(-ret),
		diag_remedy(-ret) ?: DOCTOR_REMEDY);
	return ret;
}

void child_release_ahead(struct child *child)
{
	child->start_sent = !ipc_send(child->control.fd, MSG_START, NULL, 0);
}

void child_release(struct child *child)
{
	if (!child->start_sent)
		ipc_send(child->control.fd, MSG_START, NULL, 0);
	child_set_state(child, CHILD_RUNNING);
	child_watchdog_start(child);
	child_silence_start(child);
}

/* As before its first start, but for what outlives one. */
static void child_reset(struct child *child)
{
	child->failed = child->failed_host = child->has_result = child->has_report = false;
	child->start_sent = child->stop_sent = child->broke_protocol = child->faulted =
		child->alarmed = false;
	child->stopped_for = STOP_NONE;
	child->stop_phase = STOP_PHASE_NONE;
	child->restart_wanted = false;
	child->parked = 0;
	child->counter_count = 0;
	free(child->report);
	child->report = NULL;
	child->report_named = false;
	memset((void *)child->shared, 0, sizeof(*child->shared));
}

void child_start_again(struct child *child)
{
	struct run *run = child->run;
	struct diags diags;
	int ret;

	loop_timer_stop(&child->restart_timer);
	loop_unwatch(run->loop, &child->control);
	fd_close(&child->control.fd);
	child_reset(child);
	child->restarts++;
	diags_init(&diags);
	ret = child_spawn(child, &diags);
	if (!ret)
		ret = child_watch(child, &diags);
	if (ret) {
		child->failed_host = ret != -EINVAL;
		run_end_line(run);
		diags_print(&diags, run->err, "bulkhead: ");
		child_not_created(child);
		run_check_done(run);
	} else {
		run_say(run, "%s: restart %u", child->plan->name, child->restarts);
		run_event(run, child, "restart", "restart %u", child->restarts);
	}
	diags_fini(&diags);
}
