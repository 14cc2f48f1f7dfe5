/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process of a case: `bulkhead run --json`, its plan on standard input, each console on a
 * socket pair, events and samples on a pipe. It is a process group of its own and dies with us.
 */
#include "suite/job.h"

#include "lib/exitcode.h"
#include "lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Read at a time, of one console, before others get their turn. */
#define READ_SIZE 65536

/* What is told to end has that long, and with cores to write that long; then it is killed. */
#define LINGER_NS 6000000000
#define CORES_NS  120000000000

/* What is asked what its guests are at has that long: longer than the run waits for them. */
#define ANSWER_NS 5000000000

/* How often a run counts, for limits on exits and heartbeats. */
#define SAMPLE_OPTION "--sample=250ms"

#define ARGS_MAX (16 + PLAN_PORTS_MAX * PLAN_PARTITIONS_MAX)

/* ---- its end ---- */

static bool keeps_cores(const struct job *job)
{
	return job->options->cores && job->artifacts;
}

void job_answered(struct job *job)
{
	bool cores = keeps_cores(job) && *job->cause && !job->abandoned;

	job->asked = 0;
	/* The supervisor alone: it ends what it has started, and tells what it was. */
	kill(job->pid, cores ? SIGQUIT : SIGTERM);
	loop_timer_start(&job->linger, cores ? CORES_NS : LINGER_NS);
}

void job_stop(struct job *job)
{
	if (job->stopping || job->pid <= 0)
		return;
	job->stopping = true;
	if (job_ask(job))
		loop_timer_start(&job->linger, ANSWER_NS);
	else
		job_answered(job);
}

static void linger_expired(struct loop_timer *t)
{
	struct job *job = container_of(t, struct job, linger);

	if (job->pid > 0 && job->asked)
		job_answered(job);
	else if (job->pid > 0)
		kill(-job->pid, SIGKILL);
}

void job_fail(struct job *job, const char *cause, const char *fmt, ...)
{
	va_list ap;

	if (!*job->cause && !job->abandoned) {
		snprintf(job->cause, sizeof(job->cause), "%s", cause);
		va_start(ap, fmt);
		if (vasprintf(&job->text, fmt, ap) < 0)
			job->text = NULL;
		va_end(ap);
	}
	job_stop(job);
}

void job_abandon(struct job *job)
{
	job->abandoned = true;
	if (job->asked)
		job_answered(job);
	job_stop(job);
}

static void deadline_expired(struct loop_timer *t)
{
	job_timed_out(container_of(t, struct job, deadline));
}

/* ---- what it says ---- */

void job_text_add(struct job_text *t, size_t max, const char *bytes, size_t size)
{
	size_t n = min_u64(size, max - t->size);

	if (t->size + n + 1 > t->room) {
		size_t room = max_u64(t->room * 2, t->size + n + 1);
		char *grown = realloc(t->bytes, room);

		if (!grown) {
			t->lost += size;
			return;
		}
		t->bytes = grown;
		t->room = room;
	}
	memcpy(t->bytes + t->size, bytes, n);
	t->size += n;
	t->bytes[t->size] = '\0';
	t->lost += size - n;
}

/* Events are taken line by line. */
static void take_events(struct job *job)
{
	struct job_text *t = &job->events.text;
	char *at = t->bytes, *newline;

	while (at && (newline = memchr(at, '\n', t->size - (size_t)(at - t->bytes)))) {
		job_event(job, at, (size_t)(newline - at));
		if (job->artifacts)
			artifacts_event(job->artifacts, at, (size_t)(newline - at) + 1);
		at = newline + 1;
	}
	if (at && at != t->bytes) {
		t->size -= (size_t)(at - t->bytes);
		memmove(t->bytes, at, t->size);
	}
}

/* One read. False when there is no more, for now or for ever. */
static bool stream_read(struct job_stream *s)
{
	struct job *job = s->job;
	char bytes[8192];
	ssize_t n = s->watch.fd < 0 ? 0 : read(s->watch.fd, bytes, sizeof(bytes));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		loop_unwatch(job->loop, &s->watch);
		fd_close(&s->watch.fd);
		return false;
	}
	job_text_add(&s->text, s->max, bytes, (size_t)n);
	if (s == &job->events)
		take_events(job);
	return true;
}

static void stream_ready(struct loop_watch *w, uint32_t revents)
{
	(void)revents;
	stream_read(container_of(w, struct job_stream, watch));
}

static void look_at_output(struct job *job, const struct job_port *port)
{
	const struct matcher *m = &job->matcher;

	if (*m->forbidden && m->panicked)
		job_fail(job, "panic", "%s.%s says \"%s\"", port->match.partition, port->match.port,
			m->forbidden_line);
	else if (*m->forbidden)
		job_fail(job, "forbidden", "%s.%s says \"%s\", and %s is forbidden",
			port->match.partition, port->match.port, m->forbidden_line, m->forbidden);
	else if (port->match.total > job->test->expect.max_output)
		job_fail(job, "output",
			"%s.%s has said more than %llu bytes, and goes on; max_output allows no more",
			port->match.partition, port->match.port,
			(unsigned long long)job->test->expect.max_output);
}

static bool port_read(struct job_port *port)
{
	struct job *job = port->job;
	char bytes[READ_SIZE];
	ssize_t n = port->watch.fd < 0 ? 0 : read(port->watch.fd, bytes, sizeof(bytes));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		loop_unwatch(job->loop, &port->watch);
		fd_close(&port->watch.fd);
		return false;
	}
	job->last_output_ns = monotonic_ns();
	if (port->log)
		artifact_write(port->log,
			job->last_output_ns - (job->released_ns ?: job->spawned_ns), bytes,
			(size_t)n);
	/* What comes after the verdict is kept, but changes nothing. */
	if (job->stopping) {
		match_port_note(&port->match, bytes, (size_t)n);
		return true;
	}
	matcher_feed(&job->matcher, &port->match, bytes, (size_t)n);
	look_at_output(job, port);
	return true;
}

static void port_ready(struct loop_watch *w, uint32_t revents)
{
	(void)revents;
	port_read(container_of(w, struct job_port, watch));
}

/* ---- the process is gone ---- */

/* What it has said last may still be on its way to us; a bounded lot of it. */
static void drain(struct job *job)
{
	for (unsigned i = 0; i < job->port_count; i++) {
		struct job_port *port = &job->ports[i];

		for (unsigned rounds = 0; rounds < 64 && port_read(port); rounds++) {
		}
		if (!job->stopping) {
			matcher_finish(&job->matcher, &port->match);
			look_at_output(job, port);
		}
	}
	while (stream_read(&job->out)) {
	}
	while (stream_read(&job->err)) {
	}
	while (stream_read(&job->events)) {
	}
}

static void exited(struct loop_watch *w, uint32_t revents)
{
	struct job *job = container_of(w, struct job, exited);
	siginfo_t info = {.si_code = CLD_EXITED, .si_status = -1};
	pid_t group = job->pid;

	(void)revents;
	loop_unwatch(job->loop, w);
	/* Before it is reaped its number is nobody else's, and whoever is left in its group goes.
	 */
	kill(-group, SIGKILL);
	waitid(P_PID, (id_t)group, &info, WEXITED);
	job->code = info.si_code;
	job->status = info.si_status;
	job->pid = 0;
	job->over = true;
	loop_timer_stop(&job->deadline);
	loop_timer_stop(&job->milestone);
	loop_timer_stop(&job->linger);
	drain(job);
	job_judge(job);
	job->done(job);
}

/* ---- the start ---- */

/* Our ends are close-on-exec, and theirs too until the child takes them. */
static int stream_open(struct job *job, struct job_stream *s, size_t max, int *ret_theirs)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	s->job = job;
	s->max = max;
	s->watch = LOOP_WATCH_INIT;
	s->watch.fd = fds[0];
	s->watch.events = POLLIN;
	s->watch.ready = stream_ready;
	*ret_theirs = fds[1];
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	return loop_watch(job->loop, &s->watch);
}

static int port_open(struct job *job, struct job_port *port, int *ret_theirs)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		return -errno;
	port->job = job;
	port->watch = LOOP_WATCH_INIT;
	port->watch.fd = fds[0];
	port->watch.events = POLLIN;
	port->watch.ready = port_ready;
	if (job->artifacts)
		port->log = artifact_console(job->artifacts, &port->match);
	*ret_theirs = fds[1];
	return loop_watch(job->loop, &port->watch);
}

/* The consoles of the case's plan. */
static int ports_create(struct job *job)
{
	const struct plan *plan = job->test->plan;

	job->ports = calloc(plan->partition_count * PLAN_PORTS_MAX, sizeof(*job->ports));
	job->samples = calloc(plan->partition_count, sizeof(*job->samples));
	if (!job->ports || !job->samples)
		return -ENOMEM;
	for (unsigned i = 0; i < plan->partition_count; i++) {
		for (unsigned s = 0; s < PLAN_PORTS_MAX; s++) {
			const struct plan_port *p = plan_port(&plan->partitions[i], s);
			struct job_port *port = &job->ports[job->port_count];

			if (!p || p->kind != PLAN_PORT_CONSOLE)
				continue;
			port->watch = LOOP_WATCH_INIT;
			port->match.partition = plan->partitions[i].name;
			plan_port_label(&plan->partitions[i], s, port->match.port);
			job->port_count++;
		}
	}
	return 0;
}

struct launch {
	int in, out, err, events; /* the child's ends */
	int *ports;
	char name[64], events_arg[32], timeout_arg[64], silence_arg[64];
	char cores_arg[PATH_MAX + 16];
	char (*port_args)[160];
	char *argv[ARGS_MAX];
	const cpu_set_t *cores;
};

static void build_argv(struct launch *l, const struct job *job)
{
	static unsigned number;
	const struct suite_expect *e = &job->test->expect;
	unsigned n = 0;

	snprintf(l->name, sizeof(l->name), "test-%d-%u", getpid(), ++number);
	snprintf(l->events_arg, sizeof(l->events_arg), "%d", l->events);
	l->argv[n++] = "bulkhead";
	l->argv[n++] = "run";
	l->argv[n++] = "--json";
	l->argv[n++] = "--console=none";
	l->argv[n++] = "--name";
	l->argv[n++] = l->name;
	l->argv[n++] = "--events-fd";
	l->argv[n++] = l->events_arg;
	snprintf(l->silence_arg, sizeof(l->silence_arg), "--silence=%lluns",
		(unsigned long long)job->test->silence_ns);
	l->argv[n++] = l->silence_arg;
	if (e->max_exits || e->max_heartbeat_gap_ns)
		l->argv[n++] = SAMPLE_OPTION;
	if (e->exit_code == BH_EXIT_TIMEOUT) {
		snprintf(l->timeout_arg, sizeof(l->timeout_arg), "--timeout=%lluns",
			(unsigned long long)job->test->timeout_ns);
		l->argv[n++] = l->timeout_arg;
	}
	if (keeps_cores(job)) {
		snprintf(l->cores_arg, sizeof(l->cores_arg), "--core-dir=%s",
			artifacts_path(job->artifacts));
		l->argv[n++] = l->cores_arg;
	}
	for (unsigned i = 0; i < job->port_count; i++) {
		snprintf(l->port_args[i], sizeof(l->port_args[i]), "--port=%s.%s=%d",
			job->ports[i].match.partition, job->ports[i].match.port, l->ports[i]);
		l->argv[n++] = l->port_args[i];
	}
	l->argv[n++] = "-";
	l->argv[n] = NULL;
}

/* In the child: nothing but system calls. */
static void become(const struct launch *l, unsigned port_count, pid_t parent)
{
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	if (l->cores)
		sched_setaffinity(0, sizeof(*l->cores), l->cores);
	fcntl(l->events, F_SETFD, 0);
	for (unsigned i = 0; i < port_count; i++)
		fcntl(l->ports[i], F_SETFD, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(l->in, STDIN_FILENO) >= 0 && dup2(l->out, STDOUT_FILENO) >= 0 &&
		dup2(l->err, STDERR_FILENO) >= 0)
		execv("/proc/self/exe", l->argv);
	_exit(127);
}

static int spawn(struct job *job, const struct launch *l)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		become(l, job->port_count, parent);
	setpgid(pid, pid);
	job->pid = pid;
	job->spawned_ns = monotonic_ns();
	job->exited.fd = pidfd_open(pid, 0);
	if (job->exited.fd < 0)
		return -errno;
	fcntl(job->exited.fd, F_SETFD, FD_CLOEXEC);
	return loop_watch(job->loop, &job->exited);
}

/* The case's plan as the run gets it: complete, its paths absolute. */
static int plan_text(const struct job *job, char **ret_text, size_t *ret_size)
{
	FILE *f = open_memstream(ret_text, ret_size);

	if (!f)
		return -ENOMEM;
	plan_print_yaml(job->test->plan, f);
	return fclose(f) ? -ENOMEM : 0;
}

static int timers_create(struct job *job)
{
	int ret = loop_timer_init(job->loop, &job->deadline, deadline_expired);

	if (!ret)
		ret = loop_timer_init(job->loop, &job->milestone, job_milestone_expired);
	return ret ? ret : loop_timer_init(job->loop, &job->linger, linger_expired);
}

static int open_all(struct job *job, struct launch *l)
{
	AUTO_FREE char *text = NULL;
	size_t size = 0;
	int ret = plan_text(job, &text, &size);

	if (!ret && job->options->artifacts)
		job->artifacts = artifacts_create(job, text, size);
	if (!ret) {
		l->in = memfd_create_sealed("bulkhead-plan", text, size);
		ret = l->in < 0 ? l->in : lseek(l->in, 0, SEEK_SET) ? -errno : 0;
	}
	if (!ret)
		ret = stream_open(job, &job->out, JOB_RESULT_MAX, &l->out);
	if (!ret)
		ret = stream_open(job, &job->err, JOB_MESSAGES_MAX, &l->err);
	if (!ret)
		ret = stream_open(job, &job->events, JOB_MESSAGES_MAX, &l->events);
	for (unsigned i = 0; !ret && i < job->port_count; i++)
		ret = port_open(job, &job->ports[i], &l->ports[i]);
	return ret;
}

static void launch_fini(struct launch *l, unsigned port_count)
{
	for (unsigned i = 0; l->ports && i < port_count; i++)
		fd_close(&l->ports[i]);
	fd_close(&l->in);
	fd_close(&l->out);
	fd_close(&l->err);
	fd_close(&l->events);
	free(l->ports);
	free(l->port_args);
}

int job_start(struct job *job, const cpu_set_t *cores)
{
	struct launch l = {.in = -1, .out = -1, .err = -1, .events = -1, .cores = cores};
	const struct suite_expect *e = &job->test->expect;
	int ret;

	job->exited = LOOP_WATCH_INIT;
	job->exited.events = POLLIN;
	job->exited.ready = exited;
	job->out.watch = job->err.watch = job->events.watch = LOOP_WATCH_INIT;
	job->matcher = (struct matcher){.expect = e,
		.panics = !e->panic && !e->fatal &&
			  (!e->exit_code || e->exit_code == BH_EXIT_TIMEOUT),
		.matched = job_step_matched,
		.ctx = job};
	ret = matcher_init(&job->matcher);
	if (!ret)
		ret = ports_create(job);
	if (!ret)
		ret = timers_create(job);
	l.ports = calloc(job->port_count + 1, sizeof(*l.ports));
	l.port_args = calloc(job->port_count + 1, sizeof(*l.port_args));
	for (unsigned i = 0; l.ports && i < job->port_count; i++)
		l.ports[i] = -1;
	if (!ret)
		ret = l.ports && l.port_args ? open_all(job, &l) : -ENOMEM;
	if (!ret) {
		build_argv(&l, job);
		ret = spawn(job, &l);
	}
	if (!ret)
		loop_timer_start(&job->deadline,
			job->test->timeout_ns +
				(e->exit_code == BH_EXIT_TIMEOUT ? JOB_WIND_DOWN_NS : 0));
	launch_fini(&l, job->port_count);
	return ret;
}

static void stream_close(struct job *job, struct job_stream *s)
{
	loop_unwatch(job->loop, &s->watch);
	fd_close(&s->watch.fd);
	free(s->text.bytes);
}

void job_destroy(struct job *job)
{
	if (!job)
		return;
	if (job->pid > 0) {
		kill(-job->pid, SIGKILL);
		kill(job->pid, SIGKILL);
		waitpid(job->pid, NULL, 0);
	}
	loop_unwatch(job->loop, &job->exited);
	fd_close(&job->exited.fd);
	stream_close(job, &job->out);
	stream_close(job, &job->err);
	stream_close(job, &job->events);
	for (unsigned i = 0; i < job->port_count; i++) {
		loop_unwatch(job->loop, &job->ports[i].watch);
		fd_close(&job->ports[i].watch.fd);
		artifact_close(job->ports[i].log);
	}
	loop_timer_fini(&job->deadline);
	loop_timer_fini(&job->milestone);
	loop_timer_fini(&job->linger);
	matcher_fini(&job->matcher);
	artifacts_destroy(job->artifacts);
	free(job->ports);
	free(job->samples);
	free(job->text);
	free(job->diagnosis.bytes);
	free(job);
}
