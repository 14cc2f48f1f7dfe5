/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig/session.h"

#include "lib/exitcode.h"
#include "lib/loop.h"
#include "lib/terminal.h"
#include "lib/util.h"
#include "rig/outputs.h"
#include "rig/say.h"
#include "rig/sink.h"
#include "rig/tail.h"
#include "rig/wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

/* A machine that says nothing for so long never will again, on a host that is loaded, too. */
#define SILENCE_NS (180 * (uint64_t)1000000000)

/* What a command that was told to end may take for it. */
#define GRACE_NS (20 * (uint64_t)1000000000)

/* ... and what whoever reads our output may then take for some more of it. */
#define PATIENCE_NS ((uint64_t)1000000000)

/* What of the kernel's messages is shown when the machine fails. */
#define LINES_SHOWN 20

struct session {
	const struct session_spec *spec;
	struct loop *loop;
	struct loop_watch wire, log, errors, input, signals, exited;
	struct loop_timer timer; /* of a machine that says nothing, a command that shall end */
	struct wire_reader reader;
	struct sink out, err, copy; /* COPY: of the log */
	/*
	 * Whose reader does not read, and what it is to get, of the last frame; NULL: none.
	 * Nothing more is taken from the machine meanwhile.
	 */
	struct sink *full;
	const uint8_t *rest;
	size_t rest_size;
	struct loop_watch writable; /* of FULL */
	struct loop_timer patience; /* with FULL, once the command shall end */
	struct outputs outputs;
	struct tail kernel, qemu;
	struct termios termios;
	bool raw;
	bool ready;          /* the command runs */
	bool stopping;       /* it was told to end */
	bool escape;         /* Ctrl-A was typed last */
	bool wire_ended;     /* nothing more will come through it */
	bool gone;           /* QEMU has ended */
	unsigned unanswered; /* bytes of input on their way */
	int code;            /* of the command; -1: not yet */
};

/* ---- terminal ---- */

static void get_window(unsigned *ret_rows, unsigned *ret_columns)
{
	struct winsize size = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		size = (struct winsize){0};
	*ret_rows = size.ws_row;
	*ret_columns = size.ws_col;
}

void session_terminal(struct rig_terminal *ret)
{
	bool ours = terminal_is_ours() && isatty(STDOUT_FILENO);

	*ret = (struct rig_terminal){.is_one = {ours, ours, ours && isatty(STDERR_FILENO)}};
	if (ours)
		get_window(&ret->rows, &ret->columns);
}

/* What is typed is the command's from here on, Ctrl-C included. */
static void make_raw(struct session *s)
{
	struct termios raw;

	if (!s->spec->terminal->is_one[0] || tcgetattr(STDIN_FILENO, &s->termios))
		return;
	raw = s->termios;
	cfmakeraw(&raw);
	s->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void restore(struct session *s)
{
	if (s->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &s->termios);
	s->raw = false;
}

/* ---- ends ---- */

static void end(struct session *s, int code)
{
	if (s->code < 0)
		s->code = code;
	loop_stop(s->loop);
}

PRINTF_LIKE(2, 3)
static void fail(struct session *s, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	restore(s);
	if (s->code >= 0)
		return;
	tail_print(&s->qemu, LINES_SHOWN, "  qemu | ", "TCG doesn't support", stderr);
	tail_print(&s->kernel, LINES_SHOWN, "  kernel | ", NULL, stderr);
	rig_say("%s", text ?: "failed");
	end(s, BH_EXIT_HOST);
}

static void not_understood(struct session *s)
{
	fail(s, "the emulated machine sends what nobody understands; its bulkhead may be of another "
		"version");
}

/* Where the machine is in what it says, for messages. */
static const char *where(const struct session *s)
{
	if (s->outputs.file.fd >= 0)
		return " in the middle of a file that it had to send, which may be incomplete";
	return s->reader.end > s->reader.start ? " in the middle of what it had to say" : "";
}

/* The machine is gone before the command has ended. */
static void machine_failed(struct session *s)
{
	bool said = s->kernel.size || s->qemu.size;

	if (tail_has(&s->kernel, "Kernel panic"))
		fail(s, "the emulated machine's kernel panicked; its last messages are above");
	else if (!s->ready)
		fail(s, "the emulated machine did not come up%s", said ? "; see above" : "");
	else
		fail(s, "the emulated machine ended%s%s",
			*where(s) ? where(s) : " before the command did",
			said ? "; its last lines are above" : "");
}

/* The command is to end; if it does not in time, everything does. */
static void stop_soon(struct session *s)
{
	s->stopping = true;
	loop_timer_start(&s->timer, GRACE_NS);
	if (s->full)
		loop_timer_start(&s->patience, PATIENCE_NS);
}

static void timed_out(struct loop_timer *t)
{
	struct session *s = container_of(t, struct session, timer);

	if (!s->stopping &&
		(s->full || poll(&(struct pollfd){.fd = s->wire.fd, .events = POLLIN}, 1, 0) > 0)) {
		/* It was we who did nothing for so long. */
		loop_timer_start(t, SILENCE_NS);
		return;
	}
	if (!s->stopping) {
		if (s->ready)
			fail(s, "the emulated machine hangs%s: %d s without a sign of it; try again",
				where(s), (int)(SILENCE_NS / 1000000000));
		else
			fail(s,
				"the emulated machine was not up within %d s; is this host very "
				"busy?",
				(int)(SILENCE_NS / 1000000000));
		return;
	}
	restore(s);
	rig_say("the command did not end when told to; the emulated machine is stopped");
	end(s, BH_EXIT_INTERRUPTED);
}

/* ---- out of the machine ---- */

/* What K does not take now waits, and everything behind it, until it does. */
static void emit(struct session *s, struct sink *k, const uint8_t *bytes, size_t size)
{
	size_t left = sink_write(k, bytes, size);

	s->writable.fd = k->fd;
	if (left && loop_watch(s->loop, &s->writable)) {
		sink_close(k);
		left = 0;
	}
	s->full = left ? k : NULL;
	s->rest = bytes + size - left;
	s->rest_size = left;
	if (left && s->stopping)
		loop_timer_start(&s->patience, PATIENCE_NS);
	else
		loop_timer_stop(&s->patience);
}

/* The kernel's messages are not worth a long wait. */
static void copy_log(struct sink *k, const uint8_t *bytes, size_t size)
{
	size_t left = size;

	while ((left = sink_write(k, bytes + size - left, left))) {
		struct pollfd p = {.fd = k->fd, .events = POLLOUT};

		if (poll(&p, 1, (int)(PATIENCE_NS / 1000000)) <= 0) {
			sink_close(k);
			rig_say("--log: nobody reads it; the rest is lost");
		}
	}
}

static void end_input(struct session *s)
{
	loop_unwatch(s->loop, &s->input);
	s->input.fd = -1;
	wire_write(s->wire.fd, WIRE_INPUT_END, NULL, 0);
}

static void watch_input(struct session *s)
{
	int ret = s->input.fd < 0 ? 0 : loop_watch(s->loop, &s->input);

	if (ret && ret != -EEXIST)
		rig_say("standard input cannot be read: %s; there is none inside", strerror(-ret));
}

static void take(struct session *s, const struct wire_frame *f)
{
	switch (f->type) {
	case WIRE_READY:
		s->ready = true;
		make_raw(s);
		/* Reading in the background would stop us. */
		if (isatty(STDIN_FILENO) && !terminal_is_ours())
			end_input(s);
		watch_input(s);
		break;
	case WIRE_ALIVE:
		break;
	case WIRE_TOOK:
		s->unanswered -= (unsigned)min_u64(wire_u32(f, 0), s->unanswered);
		watch_input(s);
		break;
	case WIRE_OUTPUT:
		emit(s, &s->out, f->bytes, f->size);
		break;
	case WIRE_ERROR:
		emit(s, &s->err, f->bytes, f->size);
		break;
	case WIRE_FOLDER:
	case WIRE_FILE:
	case WIRE_DATA:
		outputs_take(&s->outputs, f);
		break;
	case WIRE_EXIT:
		end(s, (int)(wire_u32(f, 0) & 0xFF));
		break;
	case WIRE_FAILED:
		fail(s, "%.*s", (int)f->size, (const char *)f->bytes);
		break;
	default:
		not_understood(s);
		break;
	}
}

/* Takes what was read, as long as the output goes where it shall, and reads on. */
static void go_on(struct session *s)
{
	struct wire_frame f;
	int ret = 0;

	while (s->code < 0 && !s->full && (ret = wire_next(&s->reader, &f)) > 0)
		take(s, &f);
	if (ret < 0)
		not_understood(s);
	else if (s->full)
		loop_unwatch(s->loop, &s->wire);
	else if (s->code < 0 && !s->wire_ended && s->wire.slot < 0 && loop_watch(s->loop, &s->wire))
		fail(s, "the emulated machine cannot be listened to any more");
}

static void wire_ready(struct loop_watch *w, uint32_t revents)
{
	struct session *s = container_of(w, struct session, wire);
	ssize_t n = wire_read(&s->reader, w->fd);

	(void)revents;
	if (n <= 0) {
		/* What its kernel said comes another way: it has a moment more. */
		s->wire_ended = true;
		loop_unwatch(s->loop, w);
		return;
	}
	if (s->ready && !s->stopping)
		loop_timer_start(&s->timer, SILENCE_NS);
	go_on(s);
}

/* Reads once into T. False at the end. */
static bool read_tail(struct loop_watch *w, struct tail *t, struct sink *copy)
{
	char bytes[4096];
	ssize_t n = read(w->fd, bytes, sizeof(bytes));

	if (n <= 0)
		return n < 0 && errno == EINTR;
	tail_add(t, bytes, (size_t)n);
	if (copy)
		copy_log(copy, (const uint8_t *)bytes, (size_t)n);
	return true;
}

static void log_ready(struct loop_watch *w, uint32_t revents)
{
	struct session *s = container_of(w, struct session, log);

	(void)revents;
	if (!read_tail(w, &s->kernel, &s->copy))
		loop_unwatch(s->loop, w);
}

static void errors_ready(struct loop_watch *w, uint32_t revents)
{
	struct session *s = container_of(w, struct session, errors);

	(void)revents;
	if (!read_tail(w, &s->qemu, NULL))
		loop_unwatch(s->loop, w);
}

/* QEMU has ended; what it and the machine have left to say is read before. */
static void see_out(struct session *s)
{
	while (s->code < 0 && !s->full && !s->wire_ended)
		wire_ready(&s->wire, POLLIN);
	if (s->full)
		return;
	while (read_tail(&s->log, &s->kernel, &s->copy))
		;
	while (read_tail(&s->errors, &s->qemu, NULL))
		;
	if (s->code < 0)
		machine_failed(s);
}

static void qemu_exited(struct loop_watch *w, uint32_t revents)
{
	struct session *s = container_of(w, struct session, exited);

	(void)revents;
	loop_unwatch(s->loop, w);
	s->gone = true;
	see_out(s);
}

/* ---- slow readers ---- */

static void resume(struct session *s)
{
	if (!s->full)
		go_on(s);
	if (!s->full && s->gone)
		see_out(s);
}

static void writable_ready(struct loop_watch *w, uint32_t revents)
{
	struct session *s = container_of(w, struct session, writable);

	(void)revents;
	loop_unwatch(s->loop, w);
	emit(s, s->full, s->rest, s->rest_size);
	resume(s);
}

/* The command shall end, and its end would not be heard behind what nobody reads. */
static void patience_over(struct loop_timer *t)
{
	struct session *s = container_of(t, struct session, patience);
	const char *name = s->full == &s->out ? "output" : "errors";

	loop_unwatch(s->loop, &s->writable);
	sink_close(s->full);
	s->full = NULL;
	rig_say("nobody reads standard %s; the rest of it is lost", name);
	resume(s);
}

/* ---- into the machine ---- */

/* Ctrl-A x ends a run; if it is not heard inside, it does all the same. */
static void look_for_escape(struct session *s, const char *bytes, size_t size)
{
	for (size_t i = 0; s->raw && i < size; i++) {
		if (s->escape && bytes[i] == 'x')
			stop_soon(s);
		s->escape = bytes[i] == 1;
	}
}

static void input_ready(struct loop_watch *w, uint32_t revents)
{
	struct session *s = container_of(w, struct session, input);
	char bytes[WIRE_INPUT_MAX];
	size_t room = WIRE_INPUT_MAX - s->unanswered;
	ssize_t n;

	(void)revents;
	if (!room) {
		loop_unwatch(s->loop, w);
		return;
	}
	n = read(w->fd, bytes, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		end_input(s);
		return;
	}
	look_for_escape(s, bytes, (size_t)n);
	s->unanswered += (unsigned)n;
	wire_write(s->wire.fd, WIRE_INPUT, bytes, (size_t)n);
}

static void send_window(struct session *s)
{
	uint8_t bytes[8];
	unsigned rows, columns;

	get_window(&rows, &columns);
	wire_put_u32(bytes, rows);
	wire_put_u32(bytes + 4, columns);
	wire_write(s->wire.fd, WIRE_WINDOW, bytes, sizeof(bytes));
}

static void signal_ready(struct loop_watch *w, uint32_t revents)
{
	struct session *s = container_of(w, struct session, signals);
	struct signalfd_siginfo info;

	(void)revents;
	if (read(w->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH) {
		if (s->ready && s->spec->terminal->is_one[0])
			send_window(s);
		return;
	}
	if (!s->ready || s->stopping) {
		end(s, BH_EXIT_INTERRUPTED);
		return;
	}
	wire_write_u32(s->wire.fd, WIRE_SIGNAL, info.ssi_signo);
	stop_soon(s);
}

/* ---- all of it ---- */

static int watch(struct session *s, struct loop_watch *w, int fd,
	void (*ready)(struct loop_watch *w, uint32_t revents))
{
	*w = LOOP_WATCH_INIT;
	w->fd = fd;
	w->events = POLLIN;
	w->ready = ready;
	return fd < 0 ? -errno : loop_watch(s->loop, w);
}

static int session_init(struct session *s, const struct session_spec *spec)
{
	const struct emulator *m = spec->machine;
	sigset_t signals;
	int ret;

	s->spec = spec;
	s->code = -1;
	s->outputs = (struct outputs){.job = spec->job, .file.fd = -1};
	s->signals = s->input = LOOP_WATCH_INIT;
	s->input.fd = STDIN_FILENO;
	s->input.events = POLLIN;
	s->input.ready = input_ready;
	s->writable = LOOP_WATCH_INIT;
	s->writable.events = POLLOUT;
	s->writable.ready = writable_ready;
	sink_open(&s->out, STDOUT_FILENO);
	sink_open(&s->err, STDERR_FILENO);
	sink_open(&s->copy, spec->log_fd);
	sigprocmask(SIG_BLOCK, NULL, &signals);
	ret = loop_create(&s->loop);
	if (!ret)
		ret = loop_timer_init(s->loop, &s->timer, timed_out);
	if (!ret)
		ret = loop_timer_init(s->loop, &s->patience, patience_over);
	if (!ret)
		ret = watch(s, &s->signals, signalfd(-1, &signals, SFD_CLOEXEC), signal_ready);
	if (!ret)
		ret = watch(s, &s->wire, m->wire_fd, wire_ready);
	if (!ret)
		ret = watch(s, &s->log, m->log_fd, log_ready);
	if (!ret)
		ret = watch(s, &s->errors, m->errors_fd, errors_ready);
	if (!ret)
		ret = watch(s, &s->exited, m->pidfd, qemu_exited);
	return ret;
}

int session_run(const struct session_spec *spec)
{
	AUTO_FREE struct session *s = calloc(1, sizeof(*s));
	int ret = s ? session_init(s, spec) : -ENOMEM;
	int code = BH_EXIT_HOST;

	if (!ret) {
		loop_timer_start(&s->timer, SILENCE_NS);
		ret = loop_run(s->loop);
	}
	if (s)
		restore(s);
	if (ret)
		rig_say("cannot wait for the emulated machine: %s", strerror(-ret));
	else
		code = s->code;
	if (s && outputs_finish(&s->outputs) && code == BH_EXIT_OK)
		code = BH_EXIT_HOST;
	if (s && s->loop) {
		loop_timer_fini(&s->timer);
		loop_timer_fini(&s->patience);
		loop_destroy(s->loop);
		cleanup_close(&s->signals.fd);
	}
	if (s) {
		sink_close(&s->out);
		sink_close(&s->err);
		sink_close(&s->copy);
	}
	return code;
}
