/* SPDX-License-Identifier: BSD-3-Clause */
/* Process 1's main part: between the command's standard descriptors and the port. */
#include "lib/loop.h"
#include "lib/util.h"
#include "rig/init.h"
#include "rig/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

struct init {
	const json_t *job;
	struct loop *loop;
	struct loop_watch port, out, err, in, signals;
	struct loop_timer alive;
	struct wire_reader reader;
	char pending[WIRE_INPUT_MAX]; /* input that the command has not taken yet */
	size_t pending_size;
	bool input_ends;
	int terminal; /* the side of the pseudo-terminal that is ours; -1: none */
	pid_t pid;
	int status;
};

/* ---- the command ---- */

/* What the command gets as its standard descriptors. */
struct ends {
	int theirs[3];
};

static bool is_terminal(const struct init *s, unsigned i)
{
	return json_is_true(json_array_get(json_object_get(s->job, "terminal"), i));
}

static void set_window(const struct init *s, unsigned rows, unsigned columns)
{
	const struct winsize size = {
		.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

	if (s->terminal >= 0)
		ioctl(s->terminal, TIOCSWINSZ, &size);
}

/* Where the command's output is a terminal, one for all. */
static int open_terminal(struct init *s, int *ret_theirs)
{
	int unlock = 0;

	s->terminal = open("/dev/ptmx", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (s->terminal < 0 || ioctl(s->terminal, TIOCSPTLCK, &unlock))
		return -errno;
	*ret_theirs = ioctl(s->terminal, TIOCGPTPEER, O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (*ret_theirs < 0)
		return -errno;
	set_window(s, (unsigned)json_integer_value(json_object_get(s->job, "rows")),
		(unsigned)json_integer_value(json_object_get(s->job, "columns")));
	return 0;
}

/* A pipe for descriptor I; our end does not block. */
static int open_pipe(struct loop_watch *w, unsigned i, int *ret_theirs)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC))
		return -errno;
	w->fd = pair[i == 0];
	*ret_theirs = pair[i != 0];
	return fcntl(w->fd, F_SETFL, O_NONBLOCK) ? -errno : 0;
}

static int open_ends(struct init *s, struct ends *ret)
{
	struct loop_watch *ours[] = {&s->in, &s->out, &s->err};
	int terminal = -1, ret_code = 0;

	for (unsigned i = 0; !ret_code && i < 3; i++) {
		if (!is_terminal(s, i)) {
			ret_code = open_pipe(ours[i], i, &ret->theirs[i]);
			continue;
		}
		if (terminal < 0)
			ret_code = open_terminal(s, &terminal);
		ret->theirs[i] = terminal;
	}
	if (ret_code || s->terminal < 0)
		return ret_code;
	s->in.fd = s->terminal;
	s->out.fd = fcntl(s->terminal, F_DUPFD_CLOEXEC, 3);
	return s->out.fd < 0 ? -errno : 0;
}

/* The texts of a JSON array, ended by NULL. */
static char **texts(const json_t *array)
{
	char **list = calloc(json_array_size(array) + 1, sizeof(*list));

	for (size_t i = 0; list && i < json_array_size(array); i++)
		list[i] = (char *)(uintptr_t)json_string_value(json_array_get(array, i));
	return list;
}

/* In the new process. Does not return. */
static void become(const struct init *s, const struct ends *ends)
{
	char **argv = texts(json_object_get(s->job, "argv"));
	char **env = texts(json_object_get(s->job, "env"));
	const char *cwd = json_string_value(json_object_get(s->job, "cwd"));
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	for (int i = 0; i < 3; i++)
		dup2(ends->theirs[i], i);
	if (s->terminal >= 0)
		ioctl(STDIN_FILENO, TIOCSCTTY, 0);
	if (argv && env && cwd && chdir(cwd) == 0) {
		environ = env;
		execvp(argv[0], argv);
	}
	_exit(127);
}

static int start(struct init *s)
{
	struct ends ends = {{-1, -1, -1}};
	int ret = open_ends(s, &ends);

	if (ret)
		return ret;
	s->pid = fork();
	if (s->pid == 0)
		become(s, &ends);
	if (s->pid < 0)
		ret = -errno;
	for (unsigned i = 0; i < 3; i++) {
		/* The terminal may be all three. */
		if (fcntl(ends.theirs[i], F_GETFD) >= 0)
			close(ends.theirs[i]);
	}
	return ret;
}

/* ---- out ---- */

/* Passes on what FD has. False: nothing, now or ever. */
static bool pass_on(struct init *s, int fd, enum wire_type type)
{
	char bytes[WIRE_BYTES_MAX];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n > 0)
		wire_write(s->port.fd, type, bytes, (size_t)n);
	return n > 0;
}

static void out_ready(struct loop_watch *w, uint32_t revents)
{
	struct init *s = container_of(w, struct init, out);

	(void)revents;
	if (!pass_on(s, w->fd, WIRE_OUTPUT) && errno != EAGAIN)
		loop_unwatch(s->loop, w);
}

static void err_ready(struct loop_watch *w, uint32_t revents)
{
	struct init *s = container_of(w, struct init, err);

	(void)revents;
	if (!pass_on(s, w->fd, WIRE_ERROR) && errno != EAGAIN)
		loop_unwatch(s->loop, w);
}

static void tell_alive(struct loop_timer *t)
{
	struct init *s = container_of(t, struct init, alive);

	wire_write(s->port.fd, WIRE_ALIVE, NULL, 0);
	loop_timer_start(t, WIRE_ALIVE_NS);
}

/* Whatever has ended is reaped; when it is the command, all is over. */
static void signal_ready(struct loop_watch *w, uint32_t revents)
{
	struct init *s = container_of(w, struct init, signals);
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	(void)revents;
	if (read(w->fd, &info, sizeof(info)) != sizeof(info))
		return;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != s->pid)
			continue;
		s->status = status;
		loop_stop(s->loop);
	}
}

/* ---- in ---- */

static void close_input(struct init *s)
{
	static const char end_of_file = 4;

	loop_unwatch(s->loop, &s->in);
	if (s->terminal >= 0)
		(void)!write(s->in.fd, &end_of_file, 1);
	else
		fd_close(&s->in.fd);
	s->input_ends = false;
}

/* Gives the command what it takes; the rest waits until it takes more. */
static void give(struct init *s)
{
	ssize_t n = 0;

	if (s->in.fd < 0) {
		n = (ssize_t)s->pending_size;
	} else if (s->pending_size) {
		n = write(s->in.fd, s->pending, s->pending_size);
		/* Who does not want it shall not keep it from coming to an end. */
		if (n < 0 && errno != EAGAIN)
			n = (ssize_t)s->pending_size;
	}
	if (n > 0) {
		s->pending_size -= (size_t)n;
		memmove(s->pending, s->pending + n, s->pending_size);
		wire_write_u32(s->port.fd, WIRE_TOOK, (uint32_t)n);
	}
	if (s->pending_size)
		loop_watch(s->loop, &s->in);
	else
		loop_unwatch(s->loop, &s->in);
	if (!s->pending_size && s->input_ends)
		close_input(s);
}

static void in_ready(struct loop_watch *w, uint32_t revents)
{
	(void)revents;
	give(container_of(w, struct init, in));
}

static void take(struct init *s, const struct wire_frame *f)
{
	size_t n;

	switch (f->type) {
	case WIRE_INPUT:
		n = (size_t)min_u64(f->size, sizeof(s->pending) - s->pending_size);
		memcpy(s->pending + s->pending_size, f->bytes, n);
		s->pending_size += n;
		give(s);
		break;
	case WIRE_INPUT_END:
		s->input_ends = true;
		give(s);
		break;
	case WIRE_SIGNAL:
		kill(-s->pid, (int)wire_u32(f, 0));
		break;
	case WIRE_WINDOW:
		set_window(s, wire_u32(f, 0), wire_u32(f, 4));
		break;
	default:
		break;
	}
}

static void port_ready(struct loop_watch *w, uint32_t revents)
{
	struct init *s = container_of(w, struct init, port);
	struct wire_frame f;

	(void)revents;
	if (wire_read(&s->reader, w->fd) <= 0) {
		/* The front is gone, and the machine with it at once. */
		loop_unwatch(s->loop, w);
		return;
	}
	while (wire_next(&s->reader, &f) > 0)
		take(s, &f);
}

/* ---- all of it ---- */

static int watch(struct init *s)
{
	int ret = loop_watch(s->loop, &s->signals);

	if (!ret)
		ret = loop_watch(s->loop, &s->port);
	if (!ret)
		ret = loop_watch(s->loop, &s->out);
	if (!ret && s->err.fd >= 0)
		ret = loop_watch(s->loop, &s->err);
	return ret;
}

static void prepare(struct init *s, const json_t *job, int port)
{
	sigset_t children;

	s->job = job;
	s->terminal = -1;
	s->port = s->out = s->err = s->in = s->signals = LOOP_WATCH_INIT;
	s->port.events = s->out.events = s->err.events = s->signals.events = POLLIN;
	s->in.events = POLLOUT;
	s->port.ready = port_ready;
	s->out.ready = out_ready;
	s->err.ready = err_ready;
	s->in.ready = in_ready;
	s->signals.ready = signal_ready;
	s->port.fd = port;
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	signal(SIGPIPE, SIG_IGN);
	s->signals.fd = signalfd(-1, &children, SFD_CLOEXEC);
}

int init_run(const json_t *job, int port)
{
	static struct init state;
	struct init *s = &state;
	int ret;

	prepare(s, job, port);
	ret = loop_create(&s->loop);
	if (!ret)
		ret = loop_timer_init(s->loop, &s->alive, tell_alive);
	if (!ret)
		ret = start(s);
	if (!ret)
		ret = watch(s);
	if (ret)
		return ret;
	wire_write(port, WIRE_READY, NULL, 0);
	loop_timer_start(&s->alive, WIRE_ALIVE_NS);
	ret = loop_run(s->loop);
	if (ret)
		return ret;
	while (pass_on(s, s->out.fd, WIRE_OUTPUT))
		;
	while (s->err.fd >= 0 && pass_on(s, s->err.fd, WIRE_ERROR))
		;
	return WIFEXITED(s->status) ? WEXITSTATUS(s->status) : 128 + WTERMSIG(s->status);
}
