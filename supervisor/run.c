/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The run: spawn every partition, wait until all are ready, release them together, wait until all
 * have ended. A failure before the release ends the run with nothing started.
 */
#include "supervisor/run.h"
#include "supervisor/bsp.h"
#include "supervisor/helper.h"

#include "lib/ipc.h"
#include "lib/terminal.h"
#include "lib/util.h"
#include "supervisor/control.h"
#include "supervisor/lockdown.h"
#include "supervisor/say.h"
#include "supervisor/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

/* A partition that was told to stop and does not is killed after this. */
#define STOP_GRACE_NS 3000000000

/* A start that takes longer says what it is waiting for, again and again. */
#define WAITING_NS 5000000000

/*
 * A second signal this much later is a user who insists; an earlier one is the same wish, sent to
 * the process and to its group, as timeout(1) does.
 */
#define INSIST_NS 500000000

/* More messages than an honest process sends about its start. */
#define START_MESSAGES 256

/* ---- stopping ---- */

static void kill_all(struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		if (child_alive(&run->children[i]))
			kill(run->children[i].pid, SIGKILL);
	}
	run_abandon_cores(run);
}

void child_stop(struct child *child, enum stop_reason reason)
{
	/* One that has ended is about to exit, once its consoles are drained. */
	if (!child_alive(child) || child->stop_sent || child->state == CHILD_ENDED)
		return;
	child->stop_sent = true;
	child_watchdog_forgive(child);
	/* A restart begins with a stop by command. */
	if (reason != STOP_COMMAND)
		child->restart_wanted = false;
	if (!child->stopped_for)
		child->stopped_for = reason;
	/* Before it is ready it does not listen; and there is nothing to stop. */
	if (!child_active(child) || ipc_send(child->control.fd, MSG_STOP, NULL, 0))
		kill(child->pid, SIGKILL);
	loop_timer_start(&child->linger, STOP_GRACE_NS);
}

/* One that was released ahead may have said that it runs: then it is stopped as one that does. */
static void hear_start(struct child *child)
{
	if (child->start_sent && child->state == CHILD_STARTING)
		child_receive(child, START_MESSAGES);
}

void run_stop(struct run *run, enum stop_reason reason)
{
	for (unsigned i = 0; run->stop == STOP_NONE && i < run->child_count; i++)
		hear_start(&run->children[i]);
	if (run->stop == STOP_NONE)
		run->stop = reason;
	for (unsigned i = 0; i < run->child_count; i++)
		child_stop(&run->children[i], reason);
}

/* Who or what the start is waiting for. */
static void say_waiting(struct run *run)
{
	bool any = false;

	for (unsigned i = 0; i < run->child_count; i++) {
		if (run->children[i].state != CHILD_STARTING)
			continue;
		any = true;
		run_say(run, "%s: is still being created; Ctrl-C gives up",
			run->children[i].plan->name);
	}
	if (!any && run->all_ready)
		run_say(run, "bsp: bsp_init is still being called; Ctrl-C gives up");
}

/* Before the release it only tells that there is something to wait for. */
static void timeout_expired(struct loop_timer *t)
{
	struct run *run = container_of(t, struct run, timeout);

	if (run->released) {
		run_stop(run, STOP_TIMEOUT);
	} else if (run->stop == STOP_NONE) {
		say_waiting(run);
		loop_timer_start(&run->timeout, WAITING_NS);
	}
}

static void signal_ready(struct loop_watch *w, uint32_t revents)
{
	struct run *run = container_of(w, struct run, signals);
	struct signalfd_siginfo info;

	(void)revents;
	if (read(w->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH) {
		terminal_resized(run);
		return;
	}
	if (info.ssi_signo == SIGUSR1) {
		run_inspect(run);
		return;
	}
	if (!run->interrupted_ns) {
		run->interrupted_ns = monotonic_ns();
		if (info.ssi_signo == SIGQUIT)
			run_dump(run);
		run_stop(run, STOP_INTERRUPTED);
	} else if (monotonic_ns() - run->interrupted_ns > INSIST_NS) {
		kill_all(run);
	}
}

/* ---- progress ---- */

void run_check_done(struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		if (child_alive(&run->children[i]) ||
			loop_timer_running(&run->children[i].restart_timer))
			return;
	}
	if (!run_safety_busy(run) && !run_bsp_busy(run) && !run_cores_busy(run))
		loop_stop(run->loop);
}

/* bsp_init has been called on all cores, or there is no BSP. */
static void release(struct run *run, bool bsp_ok)
{
	if (run->stop != STOP_NONE)
		return;
	if (!bsp_ok) {
		run_stop(run, STOP_START_FAILED);
		return;
	}
	/* Not before: until now Ctrl-C ends the run, from now on it is the guest's. */
	terminal_make_raw(run);
	run->released = true;
	run->released_ns = monotonic_ns();
	for (unsigned i = 0; i < run->child_count; i++)
		child_release(&run->children[i]);
	run_event(run, NULL, "state", "%s", run_state_name(run));
	control_operational(run);
	run_silence_start(run);
	loop_timer_stop(&run->timeout);
	if (run->options->timeout_ns)
		loop_timer_start(&run->timeout, run->options->timeout_ns);
}

/*
 * All that a run with a single partition waits for is that partition, unless something has to be
 * done in between: it is told to go before it is ready, and saves two wake-ups.
 */
static void release_ahead(struct run *run)
{
	struct child *child = &run->children[0];

	if (run->child_count == 1 && child->state == CHILD_STARTING && !run->bsp &&
		run->stop == STOP_NONE && child->plan->cpus.shared && /* no run_settle_kthreads */
		!run->has_terminal && !helpers_starting(child))
		child_release_ahead(child);
}

/* A partition that was started again is ready. */
static void check_restarted(struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		if (run->children[i].state != CHILD_READY || helpers_starting(&run->children[i]))
			continue;
		run_settle_kthreads(run);
		child_release(&run->children[i]);
	}
}

/* Once every child is ready or has failed: releases all, or gives up. */
void run_check_ready(struct run *run)
{
	bool failed = false;

	if (run->released) {
		check_restarted(run);
		return;
	}
	for (unsigned i = 0; i < run->child_count; i++) {
		if (run->children[i].state == CHILD_STARTING || helpers_starting(&run->children[i]))
			return;
		failed = failed || run->children[i].state != CHILD_READY;
	}
	if (run->stop != STOP_NONE)
		return;
	if (failed) { /* perhaps after it was ready: in some bsp_init */
		run_stop(run, STOP_START_FAILED);
		return;
	}
	if (run->all_ready)
		return;
	run->all_ready = true;
	run_settle_kthreads(run);
	run_bsp_init(run, release);
}

/* ---- set-up ---- */

/* The signals that end a run, that of the terminal's size, and who wants to know more; they are
 * read from a descriptor. */
static void wanted_signals(sigset_t *ret_set)
{
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGINT);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGHUP);
	sigaddset(ret_set, SIGQUIT);
	sigaddset(ret_set, SIGWINCH);
	sigaddset(ret_set, SIGUSR1);
}

static int watch_signals(struct run *run)
{
	sigset_t set;

	wanted_signals(&set);
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

	wanted_signals(&set);
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
		ret = run_silence_init(run);
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
	while (!ret && run->child_count < run->plan->partition_count) {
		ret = child_init(&run->children[run->child_count], run, run->child_count);
		run->child_count++;
	}
	if (!ret)
		ret = run_link_ports(run);
	if (!ret)
		ret = run_status_init(run);
	if (ret) {
		diag_error(diags, NULL, NULL, "the run cannot be set up: %s; %s", strerror(-ret),
			diag_remedy(-ret) ?: DOCTOR_REMEDY);
		return -EIO;
	}
	ret = run_open(run, diags);
	if (!ret)
		ret = run_shared_init(run, diags);
	if (!ret)
		ret = run_bsp_start(run, diags);
	run_bsp_watch(run, run_check_done, run_bsp_lost, run_bsp_alarmed);
	return ret && ret != -EINVAL ? -EIO : ret;
}

static void run_fini(struct run *run)
{
	control_stop(run);
	run_unobserve(run);
	run_safety_fini(run);
	run_status_fini(run);
	run_shared_fini(run);
	run_bsp_destroy(run);
	for (unsigned i = 0; i < run->child_count; i++)
		child_fini(&run->children[i]);
	event_log_fini(&run->events);
	free(run->children);
	free(run->gaps);
	loop_timer_fini(&run->timeout);
	run_silence_fini(run);
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

/* The reasons of failed starts, which name their partition's keys. */
static void print_failures(struct run *run)
{
	for (unsigned i = 0; i < run->child_count; i++) {
		const struct child *child = &run->children[i];

		if (child->failed && child->report && !child->restarts)
			run_say_lines(run, NULL, child->report);
	}
}

/* Spawns, runs, and waits until every process is gone. 0, or -errno with a reason in DIAGS. */
static int run_to_end(struct run *run, struct diags *diags)
{
	bool any = false;
	int ret;

	ret = run_spawn(run, diags);
	if (run->options->spare)
		process_end(run->options->spare); /* that nobody could use */
	/* While the partitions build their machines: nothing runs before we are ready, too. */
	if (!ret)
		ret = event_log_init(&run->events);
	if (!ret)
		ret = run_observe(run);
	if (!ret)
		ret = control_start(run, diags);
	if (!ret)
		ret = run_lock_down(run, diags);
	if (ret)
		run_stop(run, STOP_START_FAILED);
	loop_timer_start(&run->timeout, WAITING_NS);
	release_ahead(run);
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
	run_bsp_stop(run);
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
	else
		run_bsp_stop(&run);
	code = run_exit_code(&run);
	if (ret && code == BH_EXIT_OK)
		code = ret == -EINVAL ? BH_EXIT_USAGE : BH_EXIT_HOST;
	diags_print(&diags, run.err, "bulkhead: ");
	run_name_reports(&run);
	/* It takes a probe: who watches many runs has made one for all. */
	if (!options->events_fd)
		run_explain_kvm(&run);
	print_failures(&run);
	report_safe_state(&run, run.err);
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
