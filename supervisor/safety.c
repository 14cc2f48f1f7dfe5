/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fatal errors and what follows them (docs/fatal-errors.md): watchdogs, parked vCPUs, the safe
 * state with its reaction times.
 *
 * bsp_fatal_error is called by the partition process itself when a vCPU met the error: straight on
 * its core (struct partition_launch.alarm_fds). When the process died, it is called from here.
 */
#include "supervisor/bsp.h"
#include "supervisor/run.h"

#include "lib/ipc.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

extern char **environ;

/* How long a partition whose watchdog was lost has to meet the error itself, with registers. */
#define FAULT_GRACE_NS 1000000000

/*
 * A partition that has called the BSP tells why at once, or its core is kept busy: then the others
 * are stopped without knowing, and it has more time, for its core's sake.
 */
#define TELL_GRACE_NS  100000000
#define ALARM_GRACE_NS 2000000000

/* A command of the safe state that takes longer is left to itself. */
#define COMMAND_GRACE_NS 5000000000

struct safe_state {
	const struct child *cause;
	uint64_t event_ns;
	char reason[96];
	struct loop_watch command; /* pidfd of the command; -1: none is running */
	struct loop_timer command_limit;
	pid_t command_pid;
	struct run *run;
};

/* ---- the safe state ---- */

static void command_done(struct loop_watch *w, uint32_t revents)
{
	struct safe_state *s = container_of(w, struct safe_state, command);
	siginfo_t info = {0};

	(void)revents;
	waitid(P_PID, (id_t)s->command_pid, &info, WEXITED | WNOHANG);
	if (info.si_pid && (info.si_code != CLD_EXITED || info.si_status))
		run_say(s->run, "safe_state.command: ended with %s %d",
			info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
	loop_unwatch(s->run->loop, w);
	fd_close(&w->fd);
	loop_timer_stop(&s->command_limit);
	run_check_done(s->run);
}

static void command_late(struct loop_timer *t)
{
	struct safe_state *s = container_of(t, struct safe_state, command_limit);

	run_say(s->run, "safe_state.command: still running after %d s; it is left to itself",
		(int)(COMMAND_GRACE_NS / 1000000000));
	loop_unwatch(s->run->loop, &s->command);
	fd_close(&s->command.fd);
	run_check_done(s->run);
}

static int command_spawn(struct safe_state *s)
{
	char partition[PLAN_FIELD_MAX], reason[PLAN_FIELD_MAX];
	char *argv[] = {"/bin/sh", "-c", s->run->plan->safe_state.command, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char **env = NULL;
	sigset_t none;
	size_t n = 0;
	int ret;

	while (environ[n])
		n++;
	env = calloc(n + 3, sizeof(*env));
	if (!env)
		return -ENOMEM;
	snprintf(partition, sizeof(partition), "BULKHEAD_PARTITION=%s", s->cause->plan->name);
	snprintf(reason, sizeof(reason), "BULKHEAD_REASON=%s", s->reason);
	memcpy(env, environ, n * sizeof(*env));
	env[n] = partition;
	env[n + 1] = reason;
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	ret = posix_spawn(&s->command_pid, argv[0], &actions, &attr, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	free(env);
	return -ret;
}

static void run_command(struct safe_state *s)
{
	int ret = command_spawn(s);

	if (!ret) {
		s->command.fd = (int)syscall(SYS_pidfd_open, s->command_pid, 0);
		s->command.events = POLLIN;
		s->command.ready = command_done;
		ret = s->command.fd < 0 ? -errno : loop_watch(s->run->loop, &s->command);
	}
	if (ret) {
		fd_close(&s->command.fd);
		run_say(s->run, "safe_state.command: cannot be run: %s", strerror(-ret));
		return;
	}
	loop_timer_start(&s->command_limit, COMMAND_GRACE_NS);
}

static void notify_socket(struct safe_state *s)
{
	const char *path = s->run->plan->safe_state.notify;
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "event", "safe-state", "partition",
		s->cause->plan->name, "reason", s->reason, "event_ns", (json_int_t)s->event_ns);
	AUTO_FREE char *text = json_dumps(o, JSON_COMPACT);
	int error = 0;

	json_decref(o);
	if (strlen(path) >= sizeof(to.sun_path) || fd < 0 || !text) {
		error = fd < 0 ? errno : ENAMETOOLONG;
	} else {
		memcpy(to.sun_path, path, strlen(path) + 1);
		if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
			    sizeof(to)) < 0)
			error = errno;
	}
	if (error)
		run_say(s->run, "safe_state.notify: %s: %s", path, strerror(error));
}

/* Whatever file the user's descriptor is: it must not hold up the safe state. */
static void signal_eventfd(struct run *run)
{
	unsigned fd = run->plan->safe_state.eventfd;
	struct pollfd p = {.fd = (int)fd, .events = POLLOUT};
	const uint64_t one = 1;

	if (poll(&p, 1, 0) <= 0 || !(p.revents & (POLLOUT | POLLNVAL)))
		run_say(run, "safe_state.eventfd: descriptor %u takes nothing", fd);
	else if (write((int)fd, &one, sizeof(one)) != sizeof(one))
		run_say(run, "safe_state.eventfd: descriptor %u: %s", fd, strerror(errno));
}

static void enter_safe_state(struct child *child, uint64_t event_ns, const char *reason)
{
	struct run *run = child->run;
	const struct plan_safe_state *plan = &run->plan->safe_state;
	struct safe_state *s = run->safe_state;

	if (s)
		return;
	s = calloc(1, sizeof(*s));
	if (!s) { /* who hears of it is the lesser thing */
		run_stop(run, STOP_SAFE_STATE);
		return;
	}
	*s = (struct safe_state){.cause = child, .event_ns = event_ns, .run = run};
	s->command = LOOP_WATCH_INIT;
	loop_timer_init(run->loop, &s->command_limit, command_late);
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
	run->safe_state = s;
	if (plan->eventfd)
		signal_eventfd(run);
	if (plan->stop == PLAN_SAFE_STOP_ALL && run->stop == STOP_NONE)
		run->stop = STOP_SAFE_STATE;
	for (unsigned i = 0; i < run->child_count; i++) {
		struct child *c = &run->children[i];

		/* One that is at fault ends by itself, and says how, or is killed soon. */
		if ((plan->stop == PLAN_SAFE_STOP_ALL || c->plan->role != PLAN_SAFETY) &&
			(c != child || !c->faulted))
			child_stop(c, STOP_SAFE_STATE);
	}
	run_event(run, child, "safe-state", "%s", s->reason);
	run_status_changed(run);
	if (plan->notify)
		notify_socket(s);
	if (plan->command)
		run_command(s);
}

void run_bsp_lost(struct run *run)
{
	struct child *child = NULL;

	/* Whose fatal error could not be met any more: the safety partition's first of all. */
	for (unsigned i = 0; i < run->child_count; i++) {
		const struct plan_partition *p = run->children[i].plan;

		if (p->on_fatal == PLAN_FATAL_SAFE_STATE && (!child || p->role == PLAN_SAFETY))
			child = &run->children[i];
	}
	if (child)
		enter_safe_state(child, monotonic_ns(), "the BSP's process has died");
}

bool run_safety_busy(const struct run *run)
{
	return run->safe_state && run->safe_state->command.fd >= 0;
}

static void print_us(FILE *f, uint64_t ns)
{
	fprintf(f, "%" PRIu64 ".%03" PRIu64 " ms", ns / 1000000, ns / 1000 % 1000);
}

/* When the last vCPU of a non-safety partition had left its guest; 0: there is none. */
static uint64_t last_stopped_ns(const struct run *run)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < run->child_count; i++) {
		const struct child *child = &run->children[i];

		if (child->plan->role != PLAN_SAFETY && child->has_result)
			last = max_u64(last, child->result.stopped_ns);
	}
	return last;
}

void report_safe_state(struct run *run, FILE *f)
{
	const struct safe_state *s = run->safe_state;
	uint64_t last = last_stopped_ns(run);

	if (!s)
		return;
	fprintf(f, "bulkhead: safe state: %s: %s", s->cause->plan->name, s->reason);
	run_bsp_report(run, s->event_ns, f);
	if (last > s->event_ns) {
		fputs("; last non-safety vCPU stopped after ", f);
		print_us(f, last - s->event_ns);
	}
	fputc('\n', f);
}

json_t *run_safe_state_json(const struct run *run)
{
	const struct safe_state *s = run->safe_state;
	uint64_t last = last_stopped_ns(run);

	if (!s)
		return json_null();
	return json_pack("{s:s, s:s, s:I, s:o}", "partition", s->cause->plan->name, "reason",
		s->reason, "event_ns", (json_int_t)s->event_ns, "last_stopped_ns",
		last > s->event_ns ? json_integer((json_int_t)last) : json_null());
}

/* ---- fatal errors ---- */

const char *child_fatal_consequence(const struct child *child)
{
	const struct run *run = child->run;

	if (run->stop != STOP_NONE && run->stop != STOP_SAFE_STATE)
		return "the run was ending anyway";
	switch (child->plan->on_fatal) {
	case PLAN_FATAL_SAFE_STATE:
		return run->plan->safe_state.stop == PLAN_SAFE_STOP_ALL
			       ? "the platform goes to its safe state; all partitions stop"
			       : "the platform goes to its safe state; non-safety partitions stop";
	case PLAN_FATAL_RESTART:
		return child->restart_wanted   ? "the partition starts anew"
		       : child_stopping(child) ? "it was being stopped"
					       : "its restarts are used up: it stops";
	case PLAN_FATAL_PARK_VCPU:
	case PLAN_FATAL_SPIN:
		if (child->result.end == PARTITION_FATAL)
			return run->child_count > 1
				       ? "its last vCPU is parked: the partition has ended, the "
					 "others go on"
				       : "its last vCPU is parked: the partition has ended";
		break;
	case PLAN_FATAL_STOP:
		break;
	}
	return run->child_count > 1 ? "the partition stops, the others go on"
				    : "the partition stops";
}

/* The host core of the vCPU that met the error; of vCPU 0 when none did. */
static unsigned child_fatal_core(const struct child *child)
{
	const struct plan_cpus *cpus = &child->plan->cpus;
	int vcpu = child->result.vcpu;

	return cpus->cores[vcpu >= 0 && (unsigned)vcpu < cpus->core_count ? vcpu : 0];
}

void child_fatal(struct child *child, uint64_t event_ns)
{
	const struct plan_partition *p = child->plan;

	/* A process that had to be killed was lost before. */
	if (child->faulted)
		event_ns = min_u64(event_ns, child->faulted_ns);
	run_event(child->run, child, "fatal", "%s", child->result.how);
	if (p->on_fatal == PLAN_FATAL_SAFE_STATE) {
		if (p->cpus.core_count)
			run_bsp_fatal(child->run, child_fatal_core(child), event_ns);
		enter_safe_state(child, event_ns, child->result.how);
	} else if (p->on_fatal == PLAN_FATAL_RESTART && !child_stopping(child) &&
		   child->fatal_restarts < p->restart_limit) {
		child->fatal_restarts++;
		child->restart_wanted = true;
	}
}

void child_vcpu_parked(struct child *child, const struct message_parked *m, const char *report)
{
	struct run *run = child->run;

	child->parked++;
	run_say_lines(run, child->plan->name, report);
	run_say(run, "%s: vCPU %" PRIu32 " %s and never runs again; what else there is goes on",
		child->plan->name, m->vcpu, m->spinning ? "spins" : "is parked");
	run_event(run, child, "parked", "vCPU %" PRIu32 ": %s", m->vcpu, m->how);
	run_status_changed(run);
}

/* ---- watchdogs ---- */

static void watchdog_look(struct loop_timer *t);

static int watchdog_init(struct child *child)
{
	if (child->watchdog.loop)
		return 0;
	return loop_timer_init(child->run->loop, &child->watchdog, watchdog_look);
}

/* It has met a fatal error, and some time to say so before it is killed. */
static void suspect(struct child *child, uint64_t grace_ns)
{
	child->faulted = true;
	child->faulted_ns = monotonic_ns();
	loop_timer_start(&child->watchdog, grace_ns);
}

static void watchdog_lost(struct child *child)
{
	struct message_fault m = {.how = "lost watchdog"};

	if (child->alarmed) {
		/* The platform does not wait for what it was; there is time to hear of it. */
		child->alarmed = false;
		loop_timer_start(&child->watchdog, ALARM_GRACE_NS);
		enter_safe_state(child, child->faulted_ns, "fatal error");
		return;
	}
	if (child->faulted) {
		/* It does not even meet the error: the process itself is stuck, or stopped. */
		run_say(child->run, "%s: its process does not react; it is killed",
			child->plan->name);
		kill(child->pid, SIGKILL);
		return;
	}
	suspect(child, FAULT_GRACE_NS);
	/* The platform does not wait for a process that may be stuck. */
	if (child->plan->on_fatal == PLAN_FATAL_SAFE_STATE && child->plan->cpus.core_count)
		run_bsp_fatal(child->run, child->plan->cpus.cores[0], child->faulted_ns);
	if (ipc_send(child->control.fd, MSG_FAULT, &m, sizeof(m)))
		kill(child->pid, SIGKILL);
	if (child->plan->on_fatal == PLAN_FATAL_SAFE_STATE)
		enter_safe_state(child, child->faulted_ns, m.how);
}

/*
 * The page is shared with a process that handles guest input: a count that differs is a beat, and
 * its time is believed where it lies between the last look and now.
 */
static void watchdog_look(struct loop_timer *t)
{
	struct child *child = container_of(t, struct child, watchdog);
	uint64_t beats = atomic_load(&child->shared->beats);
	uint64_t last = atomic_load(&child->shared->last_beat_ns);
	uint64_t now = monotonic_ns(), due;

	if (!child_active(child) || (child->faulted && child->parked))
		return;
	if (beats != child->watch_beats && !child->faulted)
		child->watch_base_ns = max_u64(child->watch_base_ns, min_u64(last, now));
	child->watch_beats = beats;
	due = child->watch_base_ns + child->plan->watchdog_ns;
	/* A guest that is being paused does not beat: its process has to say that it is. */
	if (child->awaited == MSG_PAUSED)
		due += FAULT_GRACE_NS;
	if (child->faulted || now >= due)
		watchdog_lost(child);
	else
		loop_timer_start(t, due - now);
}

void child_watchdog_start(struct child *child)
{
	/* A guest that is held for a core does not beat: it counts when that is done. */
	if (!child->plan->watchdog_ns || child->faulted || child_core_pending(child))
		return;
	if (watchdog_init(child))
		return;
	child->watch_beats = atomic_load(&child->shared->beats);
	child->watch_base_ns = monotonic_ns();
	loop_timer_start(&child->watchdog, child->plan->watchdog_ns);
}

void child_watchdog_stop(struct child *child)
{
	if (child->watchdog.loop)
		loop_timer_stop(&child->watchdog);
}

void child_watchdog_forgive(struct child *child)
{
	if (!child->faulted)
		child_watchdog_stop(child);
}

static bool owns_core(const struct plan_cpus *cpus, unsigned core)
{
	for (unsigned c = 0; !cpus->shared && c < cpus->core_count; c++) {
		if (cpus->cores[c] == core)
			return true;
	}
	return false;
}

void run_bsp_alarmed(struct run *run, unsigned host_core)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		struct child *child = &run->children[i];
		const struct plan_partition *p = child->plan;

		if (p->on_fatal != PLAN_FATAL_SAFE_STATE || !owns_core(&p->cpus, host_core) ||
			!child_active(child) || child->faulted || watchdog_init(child))
			continue;
		suspect(child, TELL_GRACE_NS);
		child->alarmed = true;
	}
}

void run_safety_fini(struct run *run)
{
	if (!run->safe_state)
		return;
	loop_unwatch(run->loop, &run->safe_state->command);
	fd_close(&run->safe_state->command.fd);
	loop_timer_fini(&run->safe_state->command_limit);
	free(run->safe_state);
	run->safe_state = NULL;
}
