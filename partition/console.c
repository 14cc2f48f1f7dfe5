/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/console.h"

#include "lib/file.h"
#include "lib/util.h"
#include "partition/linefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/uio.h>

#define OUT_SIZE 16384
#define IN_SIZE  256

/* A pipe that polls writable takes 4096 bytes without blocking [POSIX PIPE_BUF on Linux], of which
 * some may be a prefix. */
#define WRITE_MAX (4096 - LINEFMT_EXPANSION)

/* How long an unfinished line waits for its end before it is shown as it is: a prompt. */
#define FLUSH_DELAY_NS 40000000

/* A reader that takes nothing for this long has stalled; the guest is not held up any longer. */
#define STALL_DELAY_NS 250000000

/* A write to a shared console is over long before this. */
#define LINE_WAIT_NS 20000000

#define CTRL_A 0x01

struct console {
	struct console_config config;
	struct linefmt format;
	bool progress;    /* this pump has written something */
	bool reader_gone; /* writing failed for good: output is discarded */
	bool mid_line;    /* what we wrote last was no newline (shared consoles) */

	/* Formatted output: [at, size) is to be written, of which [at, ready) now. */
	uint8_t out[OUT_SIZE];
	size_t at, ready, size;
	struct loop_watch out_watch;
	struct loop_timer flush_timer;
	struct loop_timer stall_timer;

	uint8_t in[IN_SIZE];
	size_t in_at, in_size;
	bool escaped; /* Ctrl-A was pressed */
	struct loop_watch in_watch;
};

static bool prefixed(const struct console *c)
{
	return c->config.port->flags & PORT_PREFIX;
}

/* ---- output ---- */

/* Bytes that were for a reader, and reach none. */
static void count_lost(struct console *c, size_t n)
{
	atomic_fetch_add(&c->config.chardev->dropped, n);
}

/* What nobody wants any more counts as written. */
static void discard(struct console *c)
{
	if (c->reader_gone)
		count_lost(c, c->size - c->at);
	c->at = c->ready = c->size = 0;
}

/* Moves bytes from the chardev into the out buffer, formatted; how many it took. */
static size_t fill(struct console *c)
{
	struct ring *tx = &c->config.chardev->tx;
	const uint8_t *data;
	size_t n = ring_peek(tx, &data), taken = 0;

	while (taken < n && c->size + LINEFMT_EXPANSION <= OUT_SIZE) {
		uint8_t byte = data[taken++];

		if (prefixed(c))
			c->size += linefmt_byte(&c->format, byte, c->out + c->size);
		else
			c->out[c->size++] = byte;
		if (!prefixed(c) || (c->size && c->out[c->size - 1] == '\n'))
			c->ready = c->size;
	}
	if (taken && c->config.port->log_fd >= 0)
		file_write_all(c->config.port->log_fd, data, taken);
	chardev_tx_drop(c->config.chardev, taken);
	return taken;
}

/*
 * Takes the console's line for one write. Whoever holds it writes without blocking and gives it
 * back at once, unless it died or was stopped in between: that holds up nobody for long. At worst
 * lines mix.
 */
static void line_take(struct console *c)
{
	_Atomic uint32_t *writer = &c->config.line->writer;
	uint64_t since = monotonic_ns();
	uint32_t nobody = 0;

	while (!atomic_compare_exchange_weak(writer, &nobody, c->config.owner)) {
		if (monotonic_ns() - since > LINE_WAIT_NS) {
			atomic_store(writer, c->config.owner);
			return;
		}
		nobody = 0;
		sched_yield();
	}
}

static void line_give(struct console *c)
{
	uint32_t me = c->config.owner;

	atomic_compare_exchange_strong(&c->config.line->writer, &me, 0);
}

/*
 * Writes what is ready to a console that others write to as well: an unfinished line of somebody
 * else is ended first, and one of ours that somebody ended goes on under its prefix again. Returns
 * as write does, for our bytes alone.
 */
static ssize_t write_shared(struct console *c, const void *bytes, size_t size)
{
	_Atomic uint32_t *open_by = &c->config.line->open_by;
	const char *prefix = c->format.prefix;
	struct iovec iov[] = {
		{"\n", 0}, {(void *)(uintptr_t)prefix, 0}, {(void *)(uintptr_t)bytes, size}};
	uint32_t open;
	ssize_t n;

	line_take(c);
	open = atomic_load(open_by);
	iov[0].iov_len = open && open != c->config.owner;
	iov[1].iov_len = c->mid_line && open != c->config.owner ? strlen(prefix) : 0;
	n = writev(c->config.port->out_fd, iov, ARRAY_SIZE(iov));
	if (n > 0) {
		size_t lead = iov[0].iov_len + iov[1].iov_len;

		n = (size_t)n > lead ? n - (ssize_t)lead : 0;
		if (n)
			c->mid_line = ((const uint8_t *)bytes)[n - 1] != '\n';
		atomic_store(open_by, c->mid_line ? c->config.owner : 0);
	}
	line_give(c);
	return n;
}

/* One write that does not block. Bytes written, 0 when the reader is not ready, or -errno. */
static ssize_t write_ready(struct console *c)
{
	struct pollfd p = {.fd = c->config.port->out_fd, .events = POLLOUT};
	size_t size = min_u64(c->ready - c->at, WRITE_MAX);
	ssize_t n;

	if (poll(&p, 1, 0) <= 0)
		return 0;
	n = prefixed(c) ? write_shared(c, c->out + c->at, size) : write(p.fd, c->out + c->at, size);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return n;
}

/* Writes what is ready. True when all of it went, or nobody wants it. */
static bool flush(struct console *c)
{
	while (c->at < c->ready) {
		ssize_t n = write_ready(c);

		if (n == 0)
			return false;
		if (n < 0) {
			c->reader_gone = true;
			discard(c);
			return true;
		}
		c->at += (size_t)n;
		c->progress = true;
	}
	memmove(c->out, c->out + c->at, c->size - c->at);
	c->size -= c->at;
	c->at = c->ready = 0;
	return true;
}

static void pump_output(struct console *c)
{
	bool flushed;
	size_t taken;

	c->progress = false;
	do {
		taken = fill(c);
		if (c->reader_gone || c->config.port->out_fd < 0)
			discard(c);
		flushed = flush(c);
	} while (taken && flushed);

	if (c->progress && atomic_load(&c->config.chardev->stalled))
		chardev_set_stalled(c->config.chardev, false);
	if (flushed)
		loop_unwatch(c->config.loop, &c->out_watch);
	else if (c->out_watch.slot < 0)
		loop_watch(c->config.loop, &c->out_watch);
	if (flushed)
		loop_timer_stop(&c->stall_timer);
	else if (c->progress || !loop_timer_running(&c->stall_timer))
		loop_timer_start(&c->stall_timer, STALL_DELAY_NS);
	if (!flushed || !c->size)
		loop_timer_stop(&c->flush_timer);
	else if (!loop_timer_running(&c->flush_timer))
		loop_timer_start(&c->flush_timer, FLUSH_DELAY_NS);
}

static void out_ready(struct loop_watch *w, uint32_t revents)
{
	(void)revents;
	pump_output(container_of(w, struct console, out_watch));
}

static void flush_expired(struct loop_timer *t)
{
	struct console *c = container_of(t, struct console, flush_timer);

	c->ready = c->size;
	pump_output(c);
}

static void stall_expired(struct loop_timer *t)
{
	/* The port looks ready from now on, whatever becomes of the bytes. */
	chardev_set_stalled(container_of(t, struct console, stall_timer)->config.chardev, true);
}

/* ---- input ---- */

static void show_help(struct console *c)
{
	static const char text[] = "\r\nCtrl-A x  end the run\r\nCtrl-A h  this help\r\n"
				   "Ctrl-A Ctrl-A  send Ctrl-A to the guest\r\n";

	(void)!write(c->config.port->out_fd, text, sizeof(text) - 1);
}

/* Removes and obeys the escapes in c->in. */
static void take_escapes(struct console *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->in_size; i++) {
		uint8_t byte = c->in[i];

		if (!c->escaped && byte == CTRL_A) {
			c->escaped = true;
			continue;
		}
		if (c->escaped && (byte == 'x' || byte == 'X'))
			c->config.quit(c->config.ctx);
		else if (c->escaped && (byte == 'h' || byte == '?'))
			show_help(c);
		if (!c->escaped || byte == CTRL_A)
			c->in[kept++] = byte;
		c->escaped = false;
	}
	c->in_size = kept;
}

/* Offers what was read to the guest; watches for more once it took all. */
static void pump_input(struct console *c)
{
	const struct chardev_front *front = &c->config.chardev->front;

	if (c->config.port->in_fd < 0)
		return;
	if (c->in_at < c->in_size && front->receive)
		c->in_at += front->receive(front->ctx, c->in + c->in_at, c->in_size - c->in_at);
	if (c->in_at < c->in_size) {
		loop_unwatch(c->config.loop, &c->in_watch);
		return;
	}
	c->in_at = c->in_size = 0;
	if (c->in_watch.slot < 0 && c->in_watch.fd >= 0)
		loop_watch(c->config.loop, &c->in_watch);
}

static void in_ready(struct loop_watch *w, uint32_t revents)
{
	struct console *c = container_of(w, struct console, in_watch);
	ssize_t n = read(w->fd, c->in, sizeof(c->in));

	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* the end of input is no end of the guest */
		loop_unwatch(c->config.loop, w);
		w->fd = -1;
		return;
	}
	c->in_at = 0;
	c->in_size = (size_t)n;
	if (c->config.port->flags & PORT_TERMINAL)
		take_escapes(c);
	pump_input(c);
}

/* ---- the console ---- */

void console_pump(struct console *c)
{
	pump_output(c);
	pump_input(c);
}

bool console_drained(struct console *c)
{
	return atomic_load(&c->config.chardev->stalled) ||
	       (!ring_used(&c->config.chardev->tx) && !c->size);
}

void console_finish(struct console *c)
{
	loop_unwatch(c->config.loop, &c->in_watch);
	c->in_watch.fd = -1;
	c->ready = c->size;
	pump_output(c);
	if (prefixed(c) && c->config.port->out_fd >= 0 &&
		atomic_load(&c->config.line->open_by) == c->config.owner &&
		c->size + 1 < OUT_SIZE) {
		c->out[c->size++] = '\n';
		c->ready = c->size;
		linefmt_restart(&c->format);
		flush(c);
	}
	if (c->config.port->out_fd >= 0)
		count_lost(c, c->size - c->at + ring_used(&c->config.chardev->tx));
}

int console_create(const struct console_config *config, struct console **ret_console)
{
	struct console *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	c->config = *config;
	linefmt_init(&c->format, config->label,
		config->port->flags & PORT_COLOUR ? ((int)config->owner - 1) / PLAN_SERIAL_PORTS
						  : -1);
	c->out_watch = LOOP_WATCH_INIT;
	c->out_watch.fd = config->port->out_fd;
	c->out_watch.events = POLLOUT;
	c->out_watch.ready = out_ready;
	c->in_watch = LOOP_WATCH_INIT;
	c->in_watch.fd = config->port->in_fd;
	c->in_watch.events = POLLIN;
	c->in_watch.ready = in_ready;
	ret = loop_timer_init(config->loop, &c->flush_timer, flush_expired);
	if (!ret)
		ret = loop_timer_init(config->loop, &c->stall_timer, stall_expired);
	if (ret) {
		console_destroy(c);
		return ret;
	}
	*ret_console = c;
	return 0;
}

void console_destroy(struct console *c)
{
	if (!c)
		return;
	loop_unwatch(c->config.loop, &c->out_watch);
	loop_unwatch(c->config.loop, &c->in_watch);
	loop_timer_fini(&c->flush_timer);
	loop_timer_fini(&c->stall_timer);
	free(c);
}
