/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/console.h"

#include "lib/listener.h"
#include "lib/util.h"
#include "partition/attach.h"
#include "partition/line_writer.h"
#include "partition/linefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#define OUT_SIZE 16384
#define IN_SIZE  4096

/* So often the out buffer is filled and written before other events get their turn. */
#define PUMP_ROUNDS 16

/* How long an unfinished line waits for its end before it is shown as it is: a prompt. */
#define FLUSH_DELAY_NS 40000000

/* A reader that takes nothing for this long has stalled; the guest is not held up any longer. */
#define STALL_DELAY_NS 250000000

#define CTRL_A 0x01

struct console {
	struct console_config config;
	struct linefmt format;
	bool progress;     /* this pump has written something */
	bool reader_gone;  /* writing failed for good: output is discarded */
	size_t write_max;  /* bytes that the descriptor takes without blocking when it is ready */
	uint64_t log_lost; /* bytes that the log did not take */
	struct attach *attach; /* what the guest wrote of late, and who else sees it */
	uint64_t position;     /* in it, of the next byte for the reader */

	struct line_writer writer;

	/* Formatted output: [at, size) is to be written, of which [at, ready) now. */
	uint8_t out[OUT_SIZE];
	size_t at, ready, size;
	struct loop_watch out_watch; /* its descriptor is our own: ports may share port->out_fd */
	struct loop_timer flush_timer;
	struct loop_timer stall_timer;

	uint8_t in[IN_SIZE];
	size_t in_size;
	bool guest_there; /* it has used its port */
	bool escaped;     /* Ctrl-A was pressed */
	bool in_ended;    /* the client sends no more, but may read */
	struct loop_watch in_watch;
	struct listener listener; /* where the next client comes from */
};

static bool listens(const struct console *c)
{
	return c->config.port->flags & PORT_LISTEN;
}

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
	uint64_t end = attach_position(c->attach);

	if (c->reader_gone)
		count_lost(c, c->size - c->at + (size_t)(end - c->position));
	c->position = end;
	c->at = c->ready = c->size = 0;
}

static void log_write(struct console *c, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = write(c->config.port->log_fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			c->log_lost += size;
			return;
		}
		data += n;
		size -= (size_t)n;
	}
}

/* N bytes that ring_peek showed at DATA are everybody's. */
static void take(struct console *c, const uint8_t *data, size_t n)
{
	if (c->config.port->log_fd >= 0)
		log_write(c, data, n);
	attach_output(c->attach, data, n);
	chardev_tx_drop(c->config.chardev, n);
}

/*
 * How many bytes may be taken from the guest: as many as leave the reader what it has not read. One
 * that has stalled, or is gone, holds up nobody.
 */
static size_t room_for_output(const struct console *c)
{
	if (c->reader_gone || c->out_watch.fd < 0 || atomic_load(&c->config.chardev->stalled))
		return ATTACH_HISTORY;
	return ATTACH_HISTORY - (size_t)(attach_position(c->attach) - c->position);
}

/* Takes what the guest has written; what a stalled reader has missed by that is lost to it. */
static void intake(struct console *c)
{
	const uint8_t *data;
	uint64_t behind;
	size_t n, total = 0;

	while (total < CHARDEV_TX_SIZE && (n = ring_peek(&c->config.chardev->tx, &data)) != 0) {
		n = min_u64(n, room_for_output(c));
		if (!n)
			break;
		take(c, data, n);
		total += n;
		behind = attach_position(c->attach) - c->position;
		if (behind <= ATTACH_HISTORY)
			continue;
		if (c->out_watch.fd >= 0)
			count_lost(c, (size_t)(behind - ATTACH_HISTORY));
		c->position += behind - ATTACH_HISTORY;
	}
}

/* Moves bytes from the history into the out buffer, formatted. */
static void fill(struct console *c)
{
	const uint8_t *data;
	size_t n;

	while ((n = attach_peek(c->attach, c->position, &data)) != 0) {
		size_t taken = 0;

		while (taken < n && c->size + LINEFMT_EXPANSION <= OUT_SIZE) {
			uint8_t byte = data[taken++];

			if (prefixed(c))
				c->size += linefmt_byte(&c->format, byte, c->out + c->size);
			else
				c->out[c->size++] = byte;
			if (!prefixed(c) || (c->size && c->out[c->size - 1] == '\n'))
				c->ready = c->size;
		}
		c->position += taken;
		if (taken == n)
			continue;
		/* A full buffer makes no room for the end of its last line: that is shown as it
		 * is. */
		c->ready = c->size;
		return;
	}
}

/* One write that does not block. Bytes written, 0 when the reader is not ready, or -errno. */
static ssize_t write_ready(struct console *c)
{
	struct pollfd p = {.fd = c->out_watch.fd, .events = POLLOUT};
	const uint8_t *bytes = c->out + c->at;
	size_t size = min_u64(c->ready - c->at, c->write_max);
	ssize_t n;

	if (poll(&p, 1, 0) <= 0)
		return 0;
	n = prefixed(c) ? line_write_shared(&c->writer, p.fd, bytes, size)
			: line_write_alone(&c->writer, p.fd, bytes, size);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return n;
}

/*
 * Nothing can be written any more. A client may have sent something before it went: it stays one
 * until that is read (in_ready).
 */
static void reader_lost(struct console *c)
{
	c->reader_gone = true;
	discard(c);
	if (!listens(c))
		return;
	loop_unwatch(c->config.loop, &c->out_watch);
	fd_close(&c->out_watch.fd);
	c->reader_gone = false;
}

/* Writes what is ready. True when all of it went, or nobody wants it. */
static bool flush(struct console *c)
{
	while (c->at < c->ready) {
		ssize_t n = write_ready(c);

		if (n == 0)
			return false;
		if (n < 0) {
			reader_lost(c);
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

/* True when the guest has written what the reader's buffer has not. */
static bool more_output(const struct console *c)
{
	return ring_used(&c->config.chardev->tx) || c->position < attach_position(c->attach);
}

static void pump_output(struct console *c)
{
	struct chardev *chardev = c->config.chardev;
	unsigned rounds = 0;
	bool flushed;

	c->progress = false;
	do {
		intake(c);
		if (c->reader_gone || c->out_watch.fd < 0)
			discard(c);
		else
			fill(c);
		flushed = flush(c);
	} while (flushed && more_output(c) && ++rounds < PUMP_ROUNDS);
	/* What was not taken yet but can be: we come back after the other events. */
	if (flushed ? more_output(c) : ring_used(&chardev->tx) && room_for_output(c))
		chardev_kick(chardev);

	if (c->progress && atomic_load(&chardev->stalled))
		chardev_set_stalled(chardev, false);
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
	struct console *c = container_of(t, struct console, stall_timer);

	/* The port looks ready from now on, whatever becomes of the bytes. */
	if (!(c->config.port->flags & PORT_PATIENT))
		chardev_set_stalled(c->config.chardev, true);
	pump_output(c);
}

/* ---- input ---- */

static void show_help(struct console *c)
{
	static const char text[] = "\r\nCtrl-A x  end the run\r\nCtrl-A h  this help\r\n"
				   "Ctrl-A Ctrl-A  send Ctrl-A to the guest\r\n";

	if (c->out_watch.fd < 0 || c->size + strlen(text) > OUT_SIZE)
		return;
	memcpy(c->out + c->size, text, strlen(text));
	c->size += strlen(text);
	c->ready = c->size;
	pump_output(c);
}

/* Obeys the escapes in the SIZE bytes typed and removes them; how many bytes are the guest's. */
static size_t take_escapes(struct console *c, uint8_t *bytes, size_t size)
{
	size_t kept = 0;

	for (size_t i = 0; i < size; i++) {
		uint8_t byte = bytes[i];

		if (!c->escaped && byte == CTRL_A) {
			c->escaped = true;
			continue;
		}
		if (c->escaped && (byte == 'x' || byte == 'X'))
			c->config.quit(c->config.ctx);
		else if (c->escaped && (byte == 'h' || byte == '?'))
			show_help(c);
		if (!c->escaped || byte == CTRL_A)
			bytes[kept++] = byte;
		c->escaped = false;
	}
	return kept;
}

/*
 * Offers what was read to the guest, once it has used its port: what came before it set up its
 * receiver would be lost there. While it does not take all of it no more is read, so that nothing
 * is lost; but a terminal is always read, for its escapes.
 */
static void pump_input(struct console *c)
{
	const struct chardev_front *front = &c->config.chardev->front;
	bool wanted = c->guest_there || c->config.port->flags & PORT_EARLY;
	size_t n = 0;

	if (wanted && c->in_size && front->receive)
		n = front->receive(front->ctx, c->in, c->in_size);
	memmove(c->in, c->in + n, c->in_size - n);
	c->in_size -= n;
	if (c->in_size && !(c->config.port->flags & PORT_TERMINAL))
		loop_unwatch(c->config.loop, &c->in_watch);
	else if (c->in_watch.slot < 0 && c->in_watch.fd >= 0)
		loop_watch(c->config.loop, &c->in_watch);
	attach_room(c->attach);
}

/* ---- clients of a socket ---- */

static void set_open(struct console *c, bool open)
{
	struct chardev *chardev = c->config.chardev;

	chardev->open = open;
	if (chardev->front.changed)
		chardev->front.changed(chardev->front.ctx);
}

static void client_close(struct console *c)
{
	loop_unwatch(c->config.loop, &c->in_watch);
	loop_unwatch(c->config.loop, &c->out_watch);
	fd_close(&c->in_watch.fd);
	fd_close(&c->out_watch.fd);
}

/* The client sends no more; unless it is GONE, it may go on reading until it is. */
static void client_ends(struct console *c, bool gone)
{
	c->in_ended = true;
	if (!gone) {
		c->in_watch.events = 0;
		if (!loop_watch(c->config.loop, &c->in_watch))
			return;
	}
	count_lost(c, c->size - c->at);
	c->at = c->ready = c->size = 0;
	client_close(c);
	set_open(c, false);
	pump_output(c);
	listener_resume(&c->listener);
}

/* One client at a time: the next one comes when this one is gone. */
static void client_comes(struct listener *l, int fd)
{
	struct console *c = container_of(l, struct console, listener);

	c->in_ended = false;
	c->in_watch.fd = fd;
	c->in_watch.events = POLLIN;
	c->out_watch.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	c->position = attach_position(c->attach);
	if (c->out_watch.fd < 0) {
		client_close(c);
		return;
	}
	listener_pause(l);
	set_open(c, true);
	pump_input(c);
}

static void in_ready(struct loop_watch *w, uint32_t revents)
{
	struct console *c = container_of(w, struct console, in_watch);
	struct pollfd p = {.fd = w->fd, .events = POLLIN};
	uint8_t bytes[IN_SIZE];
	size_t size;
	ssize_t n;

	(void)revents;
	/* Others may read the same file: what was there may be theirs by now. */
	if (poll(&p, 1, 0) <= 0)
		return;
	if (c->in_ended) {
		client_ends(c, p.revents & (POLLHUP | POLLERR));
		return;
	}
	n = read(w->fd, bytes, sizeof(bytes));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 && listens(c)) {
		client_ends(c, n < 0 || p.revents & (POLLHUP | POLLERR));
		return;
	}
	if (n <= 0) { /* the end of input is no end of the guest */
		loop_unwatch(c->config.loop, w);
		w->fd = -1;
		return;
	}
	size = (size_t)n;
	if (c->config.port->flags & PORT_TERMINAL)
		size = take_escapes(c, bytes, size);
	/* Only a terminal can overrun the buffer, as it overruns a real line. */
	size = min_u64(size, sizeof(c->in) - c->in_size);
	memcpy(c->in + c->in_size, bytes, size);
	c->in_size += size;
	pump_input(c);
}

/* Input of an attached console. */
static size_t attached_input(void *ctx, const uint8_t *data, size_t n)
{
	struct console *c = ctx;

	n = min_u64(n, sizeof(c->in) - c->in_size);
	if (!data)
		return n;
	memcpy(c->in + c->in_size, data, n);
	c->in_size += n;
	pump_input(c);
	return n;
}

static bool input_taken(void *ctx)
{
	const struct console *c = ctx;

	return c->in_watch.fd >= 0;
}

int console_attach(struct console *c, int fd, bool writer)
{
	return attach_add(c->attach, fd, writer);
}

/* ---- the console ---- */

void console_pump(struct console *c)
{
	c->guest_there = true;
	pump_output(c);
	pump_input(c);
}

bool console_drained(struct console *c)
{
	return c->reader_gone || (!more_output(c) && !c->size);
}

void console_finish(struct console *c)
{
	struct ring *tx = &c->config.chardev->tx;
	const uint8_t *data;
	size_t n;

	listener_pause(&c->listener);
	loop_unwatch(c->config.loop, &c->in_watch);
	c->in_watch.fd = -1;
	c->in_size = 0;
	do {
		c->ready = c->size;
		pump_output(c);
	} while (c->progress && more_output(c));
	if (prefixed(c) && c->out_watch.fd >= 0 && line_is_ours(&c->writer) &&
		c->size + LINEFMT_EXPANSION <= OUT_SIZE) {
		c->size += linefmt_end(&c->format, c->out + c->size);
		c->ready = c->size;
		flush(c);
	}
	/* The log and attached consoles get what the reader did not take. */
	while ((n = ring_peek(tx, &data)) != 0)
		take(c, data, n);
	count_lost(c, c->size - c->at + (size_t)(attach_position(c->attach) - c->position));
	attach_finish(c->attach);
}

void console_resize(struct console *c, struct partition_window window)
{
	struct chardev *chardev = c->config.chardev;

	chardev->columns = window.columns;
	chardev->rows = window.rows;
	if (chardev->front.changed)
		chardev->front.changed(chardev->front.ctx);
}

uint64_t console_log_lost(const struct console *c)
{
	return c->log_lost;
}

int console_create(const struct console_config *config, struct console **ret_console)
{
	struct console *c = calloc(1, sizeof(*c));
	struct attach_config attach = {.loop = config->loop,
		.input = attached_input,
		.input_taken = input_taken,
		.ctx = c};
	int ret = 0;

	if (!c)
		return -ENOMEM;
	c->config = *config;
	linefmt_init(
		&c->format, config->label, config->port->flags & PORT_COLOUR ? config->colour : -1);
	line_writer_init(&c->writer, config->line, config->owner, c->format.prefix);
	c->out_watch = LOOP_WATCH_INIT;
	c->out_watch.events = POLLOUT;
	c->out_watch.ready = out_ready;
	c->in_watch = LOOP_WATCH_INIT;
	if (!listens(c))
		c->in_watch.fd = config->port->in_fd;
	c->in_watch.events = POLLIN;
	c->in_watch.ready = in_ready;
	c->write_max = line_write_max(config->port->out_fd);
	if (config->port->out_fd >= 0) {
		c->out_watch.fd = fcntl(config->port->out_fd, F_DUPFD_CLOEXEC, 0);
		if (c->out_watch.fd < 0)
			ret = -errno;
	}
	if (!ret)
		ret = attach_create(&attach, &c->attach);
	if (!ret)
		ret = loop_timer_init(config->loop, &c->flush_timer, flush_expired);
	if (!ret)
		ret = loop_timer_init(config->loop, &c->stall_timer, stall_expired);
	if (ret) {
		console_destroy(c);
		return ret;
	}
	console_resize(c, config->port->window);
	if (listens(c)) {
		set_open(c, false);
		ret = listener_init(&c->listener, config->loop, config->port->in_fd, client_comes);
	}
	if (ret) {
		console_destroy(c);
		return ret;
	}
	pump_input(c); /* watches it */
	*ret_console = c;
	return 0;
}

void console_destroy(struct console *c)
{
	if (!c)
		return;
	loop_unwatch(c->config.loop, &c->out_watch);
	loop_unwatch(c->config.loop, &c->in_watch);
	listener_fini(&c->listener);
	if (listens(c))
		fd_close(&c->in_watch.fd);
	fd_close(&c->out_watch.fd);
	attach_destroy(c->attach);
	loop_timer_fini(&c->flush_timer);
	loop_timer_fini(&c->stall_timer);
	free(c);
}
