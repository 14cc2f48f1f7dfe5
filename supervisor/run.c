/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The run: spawn every partition, wait until all are ready, release them together, wait until all
 * have ended. A failure before the release ends the run with nothing started.
 */
#include "supervisor/run.h"

#include "lib/ipc.h"
#include "lib/util.h"
#include "supervisor/lockdown.h"
#include "supervisor/say.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

/* A partition that was told to stop and does not is killed after this. */
#define STOP_GRACE_NS 3000000000

/*
 * A second signal this much later is a user who insists; an earlier one is the same wish, sent to
 * the process and to its group, as timeout(1) does.
 */
#define INSIST_NS 500000000

/* What a partition may still need after its guest's end: draining its consoles, a report. */
#define LINGER_NS 5000000000

/* Messages taken from one partition before others get their turn. */
#define MESSAGES_PER_TURN 16

/* More than an honest partition can have left in its socket. */
#define LAST_WORDS_MAX 1024

/* ---- stopping ---- */

static bool child_alive(const struct child *child)
{
	return child->pid > 0;
}

static void kill_all(struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		if (child_alive(&run->children[i]))
			kill(run->children[i].pid, SIGKILL);
	}
}

static void child_stop(struct child *child)
{
	/* One that has ended is about to exit, once its consoles are drained. */
	if (!child_alive(child) || child->stop_sent || child->state == CHILD_ENDED)
		return;
	child->stop_sent = true;
	/* Before it is ready it does not listen; and there is nothing to stop. */
	if (child->state != CHILD_RUNNING || ipc_send(child->control.fd, MSG_STOP, NULL, 0))
		kill(child->pid, SIGKILL);
}

void run_stop(struct run *run, enum stop_reason reason)
{
	if (run->stop == STOP_NONE)
		run->stop = reason;
	for (unsigned i = 0; i < run->child_count; i++)
		child_stop(&run->children[i]);
	/* Counted from the first time: nobody wins time by asking again. */
	if (!loop_timer_running(&run->grace))
		loop_timer_start(&run->grace, STOP_GRACE_NS);
}

static void grace_expired(struct loop_timer *t)
{
	kill_all(container_of(t, struct run, grace));
}

static void timeout_expired(struct loop_timer *t)
{
	run_stop(container_of(t, struct run, timeout), STOP_TIMEOUT);
}

static void signal_ready(struct loop_watch *w, uint32_t revents)
{
	struct run *run = container_of(w, struct run, signals);
	struct signalfd_siginfo info;

	(void)revents;
	if (read(w->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (!run->interrupted_ns) {
		run->interrupted_ns = monotonic_ns();
		run_stop(run, STOP_INTERRUPTED);
	} else if (monotonic_ns() - run->interrupted_ns > INSIST_NS) {
		kill_all(run);
	}
}

/* ---- progress ---- */

static void run_check_done(struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		if (child_alive(&run->children[i]))
			return;
	}
	loop_stop(run->loop);
}

/* Once every child is ready or has failed: releases all, or gives up. */
static void run_check_ready(struct run *run)
{
	bool failed = false;

	for (unsigned i = 0; i < run->child_count; i++) {
		if (run->children[i].state == CHILD_STARTING)
			return;
		failed = failed || run->children[i].state != CHILD_READY;
	}
	if (run->released || run->stop != STOP_NONE)
		return;
	if (failed) {
		run_stop(run, STOP_START_FAILED);
		return;
	}
	run_settle_kthreads(run);
	/* Not before: until now Ctrl-C ends the run, from now on it is the guest's. */
	terminal_make_raw(run);
	run->released = true;
	for (unsigned i = 0; i < run->child_count; i++) {
		run->children[i].state = CHILD_RUNNING;
		ipc_send(run->children[i].control.fd, MSG_START, NULL, 0);
	}
	if (run->options->timeout_ns)
		loop_timer_start(&run->timeout, run->options->timeout_ns);
}

static void linger_expired(struct loop_timer *t)
{
	struct child *child = container_of(t, struct child, linger);

	if (child_alive(child))
		kill(child->pid, SIGKILL);
}

void child_concluded(struct child *child)
{
	child->state = CHILD_ENDED;
	loop_timer_start(&child->linger, LINGER_NS);
	if (child->run->released && child_is_fatal(child) &&
		child->plan->on_fatal == PLAN_FATAL_SAFE_STATE)
		run_stop(child->run, STOP_SAFE_STATE);
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

	if (child->stop_sent && killed && !child->broke_protocol) {
		r->end = PARTITION_STOPPED; /* by us */
		child->has_result = child->state == CHILD_RUNNING;
		child->state = CHILD_ENDED;
		return;
	}
	r->end = PARTITION_CRASHED;
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
	/* Its last words may still be in the socket. */
	child_receive(child, LAST_WORDS_MAX);
	loop_unwatch(child->run->loop, w);
	fd_close(&w->fd);
	if (!child->has_result && !child->failed)
		conclude_crash(child, &info);
	else if (child->broke_protocol)
		run_say(child->run,
			"%s: its process broke the protocol after the end and was killed",
			child->plan->name);
	run_check_ready(child->run);
	run_check_done(child->run);
}

/* ---- set-up ---- */

/* The signals that end a run; they are read from a descriptor. */
static void ending_signals(sigset_t *ret_set)
{
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGINT);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGHUP);
	sigaddset(ret_set, SIGQUIT);
}

static int watch_signals(struct run *run)
{
	sigset_t set;

	ending_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	run->signals = LOOP_WATCH_INIT;
	run->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	run->signals.events = POLLIN;
	run->signals.ready = signal_ready;
	return run->signals.fd < 0 ? -errno : loop_watch(run->loop, &run->signals);
}

static void unwatch_signals(struct run *run)
{
	sigset_t set;

	ending_signals(&set);
	if (run->signals.fd >= 0)
		sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int run_start_loop(struct run *run)
{
	/* A run has a few dozen events here: they are not worth setting up an io_uring. */
	int ret = loop_create_epoll(&run->loop);

	if (!ret)
		ret = watch_signals(run);
	if (!ret)
		ret = loop_timer_init(run->loop, &run->timeout, timeout_expired);
	if (!ret)
		ret = loop_timer_init(run->loop, &run->grace, grace_expired);
	return ret;
}

/* Starts listening to a child; one that cannot be listened to is killed. */
static int child_watch(struct child *child, struct diags *diags)
{
	struct loop *loop = child->run->loop;
	int ret = loop_timer_init(loop, &child->linger, linger_expired);

	if (!ret)
		ret = loop_watch(loop, &child->control);
	if (!ret)
		ret = loop_watch(loop, &child->exited);
	if (!ret)
		return 0;
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	child->pid = 0;
	child->state = CHILD_NONE;
	diag_error(diags, &child->plan->locs[PLAN_KEY_PARTITION], child->plan->name,
		"its process cannot be watched: %s; %s", strerror(-ret),
		diag_remedy(-ret) ?: DOCTOR_REMEDY);
	return ret;
}

static int run_spawn(struct run *run, struct diags *diags)
{
	int ret = 0;

	for (unsigned i = 0; i < run->child_count; i++) {
		struct child *child = &run->children[i];
		int err = child_spawn(child, diags);

		if (!err)
			err = child_watch(child, diags);
		if (err) {
			child->failed = true;
			child->failed_host = err != -EINVAL;
			ret = err;
			continue;
		}
	}
	return ret;
}

static int find_partition(const struct plan *plan, const char *name)
{
	for (unsigned i = 0; i < plan->partition_count; i++) {
		if (strcmp(plan->partitions[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

/* Whose console is interactive: -1 for none. -EINVAL with the reason in DIAGS. */
static int choose_console(const struct run *run, struct diags *diags, int *ret_child)
{
	const char *name = run->options->console;

	if (!name && run->plan->partition_count == 1)
		name = run->plan->partitions[0].name;
	*ret_child = -1;
	if (!name || strcmp(name, "all") == 0 || strcmp(name, "none") == 0)
		return 0;
	*ret_child = find_partition(run->plan, name);
	if (*ret_child >= 0)
		return 0;
	diag_error(diags, NULL, "--console",
		"the plan has no partition \"%s\"; name one of it, or \"all\", or \"none\"", name);
	return -EINVAL;
}

static int run_init(struct run *run, struct diags *diags)
{
	int ret = choose_console(run, diags, &run->console_child);

	if (ret)
		return ret;
	ret = run_start_loop(run);
	if (ret) {
		diag_error(diags, NULL, NULL, "the event loop cannot be set up: %s; %s",
			strerror(-ret), diag_remedy(-ret) ?: DOCTOR_REMEDY);
		return -EIO;
	}
	run->children = calloc(run->plan->partition_count, sizeof(*run->children));
	if (!run->children)
		return -ENOMEM;
	run->child_count = run->plan->partition_count;
	for (unsigned i = 0; i < run->child_count; i++)
		run->children[i] = (struct child){
			.run = run,
			.plan = &run->plan->partitions[i],
			.index = i,
			.pty_slaves = {-1, -1},
			.control = {.fd = -1, .slot = -1, .events = POLLIN, .ready = control_ready},
			.exited = {.fd = -1, .slot = -1, .events = POLLIN, .ready = child_exited},
		};
	ret = run_open(run, diags);
	return ret && ret != -EINVAL ? -EIO : ret;
}

static void run_fini(struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		struct child *child = &run->children[i];

		fd_close(&child->control.fd);
		fd_close(&child->exited.fd);
		for (unsigned k = 0; k < PLAN_SERIAL_PORTS; k++)
			fd_close(&child->pty_slaves[k]);
		loop_timer_fini(&child->linger);
		free(child->report);
		free(child->counters);
	}
	free(run->children);
	loop_timer_fini(&run->timeout);
	loop_timer_fini(&run->grace);
	fd_close(&run->signals.fd);
	loop_destroy(run->loop);
	run_close(run);
	fclose(run->err);
}

static void print_plan(struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		const struct plan_partition *p = run->children[i].plan;

		run_say(run, "%s: %s partition, %u vCPU%s, %s", p->name, plan_role_name(p->role),
			p->cpus.vcpus, p->cpus.vcpus == 1 ? "" : "s", p->image);
	}
}

/* Reports of failed starts and fatal ends, each line with its partition's name. */
static void print_reports(struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		const struct child *child = &run->children[i];
		AUTO_FREE char *copy = child->report ? strdup(child->report) : NULL;
		char *rest = copy, *line;

		while (rest && (line = strsep(&rest, "\n")) != NULL) {
			if (*line && child->failed) /* it names the partition's key */
				run_say(run, "%s", line);
			else if (*line)
				run_say(run, "%s: %s", child->plan->name, line);
		}
	}
}

/* Spawns, runs, and waits until every process is gone. 0, or -errno with a reason in DIAGS. */
static int run_to_end(struct run *run, struct diags *diags)
{
	bool any = false;
	int ret;

	ret = run_spawn(run, diags);
	if (ret)
		run_stop(run, STOP_START_FAILED);
	run_check_ready(run);
	for (unsigned i = 0; i < run->child_count; i++)
		any = any || child_alive(&run->children[i]);
	if (any && loop_run(run->loop)) {
		diag_error(diags, NULL, NULL,
			"the supervisor's event loop failed; everything was killed");
		kill_all(run);
		ret = -EIO;
	}
	terminal_restore(run);
	run_end_line(run);
	return ret;
}

int supervisor_run(const struct plan *plan, const struct run_options *options)
{
	struct run run = {.plan = plan,
		.options = options,
		.kvm_fd = -1,
		.line_fd = -1,
		.console_out = -1,
		.console_in = -1,
		.console_child = -1,
		.signals = LOOP_WATCH_INIT};
	int ret, err_fd = open_console(STDERR_FILENO, O_WRONLY);
	enum bh_exit code;
	struct diags diags;
	bool created;

	run.err = err_fd < 0 ? NULL : say_open(err_fd);
	if (!run.err)
		return BH_EXIT_HOST;
	diags_init(&diags);
	ret = run_init(&run, &diags);
	created = !ret;
	if (created && !options->quiet)
		print_plan(&run);
	if (created)
		ret = run_to_end(&run, &diags);
	code = run_exit_code(&run);
	if (ret && code == BH_EXIT_OK)
		code = ret == -EINVAL ? BH_EXIT_USAGE : BH_EXIT_HOST;
	diags_print(&diags, run.err, "bulkhead: ");
	run_explain_kvm(&run);
	print_reports(&run);
	if (options->stats)
		report_stats(&run, run.err);
	if (created)
		report_verdict(&run, code, run.err);
	/* Standard output may have a reader that does not read: then a signal must end us. */
	unwatch_signals(&run);
	if (options->json)
		report_json(&run, code, &diags, stdout);
	run_fini(&run);
	diags_fini(&diags);
	return (int)code;
}
