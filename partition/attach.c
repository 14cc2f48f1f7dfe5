/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/attach.h"

#include "lib/util.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Bytes that one turn of the loop takes from a client: it must not keep others waiting. */
#define INPUT_MAX 256

struct client {
	struct attach *attach;
	struct loop_watch watch; /* fd -1: free */
	uint64_t position;       /* of the next byte of the guest's that it gets */
	bool wants_input;        /* it may write, once nobody else does */
	bool told_taken;         /* it knows that somebody else has the input */
	bool blocked;            /* its socket is full */
	bool ended;              /* it sends no more */
};

struct attach {
	struct attach_config config;
	struct client clients[ATTACH_CLIENTS_MAX];
	struct client *writer; /* who has the input; NULL: the next that types */
	uint64_t total;        /* bytes that the guest has written, ever */
	uint8_t history[ATTACH_HISTORY];
};

uint64_t attach_position(const struct attach *a)
{
	return a->total;
}

size_t attach_peek(const struct attach *a, uint64_t position, const uint8_t **ret_data)
{
	size_t at = position % ATTACH_HISTORY;

	*ret_data = a->history + at;
	return min_u64(a->total - position, ATTACH_HISTORY - at);
}

static bool attached(const struct client *c)
{
	return c->watch.fd >= 0;
}

static void client_close(struct client *c)
{
	loop_unwatch(c->attach->config.loop, &c->watch);
	fd_close(&c->watch.fd);
	if (c->attach->writer == c)
		c->attach->writer = NULL;
}

/* What the client waits for: the guest's output, its own keys while they can be taken, its end. */
static void client_watch(struct client *c)
{
	struct attach *a = c->attach;
	uint8_t none = 0;
	uint32_t events = 0;
	bool held = a->writer == c && !a->config.input(a->config.ctx, NULL, sizeof(none));

	if (!c->ended && !held)
		events |= POLLIN;
	if (c->blocked)
		events |= POLLOUT;
	if (c->watch.slot >= 0 && c->watch.events == events)
		return;
	c->watch.events = events;
	if (loop_watch(a->config.loop, &c->watch))
		client_close(c);
}

/* A line of our own between the guest's; lost when the client does not read anyway. */
PRINTF_LIKE(2, 3) static void client_tell(struct client *c, const char *fmt, ...)
{
	char text[128], line[160];
	va_list ap;
	int n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = snprintf(line, sizeof(line), "\r\n[bulkhead: %s]\r\n", text);
	(void)!send(c->watch.fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The client was too slow: what the history has no more is lost to it. */
static void client_catch_up(struct client *c)
{
	uint64_t oldest = c->attach->total - min_u64(c->attach->total, ATTACH_HISTORY);

	if (c->position >= oldest)
		return;
	client_tell(
		c, "%" PRIu64 " bytes lost, as they were not read in time", oldest - c->position);
	c->position = oldest;
}

/* Sends what there is and fits. The client may be gone afterwards. */
static void client_flush(struct client *c)
{
	struct attach *a = c->attach;

	c->blocked = false;
	client_catch_up(c);
	while (c->position < a->total) {
		const uint8_t *data;
		size_t run = attach_peek(a, c->position, &data);
		ssize_t n = send(c->watch.fd, data, run, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			client_close(c);
			return;
		}
		if (n <= 0) {
			c->blocked = true;
			break;
		}
		c->position += (uint64_t)n;
	}
	client_watch(c);
}

/* Whether what the client types is for the guest. */
static bool client_writes(struct client *c)
{
	struct attach *a = c->attach;
	bool taken;

	if (!c->wants_input)
		return false;
	taken = a->config.input_taken(a->config.ctx);
	if (!taken && !a->writer)
		a->writer = c;
	if (!taken && a->writer == c)
		return true;
	if (!c->told_taken)
		client_tell(c, "input comes from %s; this one only shows",
			taken ? "where the plan or `bulkhead run` has it" : "another console");
	c->told_taken = true;
	return false;
}

static void client_read(struct client *c)
{
	struct attach *a = c->attach;
	uint8_t bytes[INPUT_MAX];
	size_t room = sizeof(bytes);
	bool writes = client_writes(c);
	ssize_t n;

	if (writes)
		room = a->config.input(a->config.ctx, NULL, room);
	if (!room)
		return;
	n = recv(c->watch.fd, bytes, room, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		client_close(c);
	} else if (n == 0) {
		/* It may still read; the end of its keys leaves the input to others. */
		c->ended = true;
		if (a->writer == c)
			a->writer = NULL;
	} else if (writes) {
		c->told_taken = false;
		a->config.input(a->config.ctx, bytes, (size_t)n);
	}
}

static void client_ready(struct loop_watch *w, uint32_t revents)
{
	struct client *c = container_of(w, struct client, watch);

	if (revents & POLLIN && !c->ended)
		client_read(c);
	else if (revents & (POLLHUP | POLLERR))
		client_close(c);
	if (attached(c) && revents & POLLOUT)
		client_flush(c);
	else if (attached(c))
		client_watch(c);
}

int attach_create(const struct attach_config *config, struct attach **ret_attach)
{
	struct attach *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->config = *config;
	for (unsigned i = 0; i < ATTACH_CLIENTS_MAX; i++) {
		a->clients[i].attach = a;
		a->clients[i].watch = LOOP_WATCH_INIT;
	}
	*ret_attach = a;
	return 0;
}

void attach_destroy(struct attach *a)
{
	for (unsigned i = 0; a && i < ATTACH_CLIENTS_MAX; i++)
		client_close(&a->clients[i]);
	free(a);
}

void attach_output(struct attach *a, const uint8_t *data, size_t n)
{
	while (n) {
		size_t at = a->total % ATTACH_HISTORY;
		size_t run = min_u64(n, ATTACH_HISTORY - at);

		memcpy(a->history + at, data, run);
		a->total += run;
		data += run;
		n -= run;
		for (unsigned i = 0; i < ATTACH_CLIENTS_MAX; i++) {
			if (attached(&a->clients[i]) && !a->clients[i].blocked)
				client_flush(&a->clients[i]);
		}
	}
}

int attach_add(struct attach *a, int fd, bool writer)
{
	static const char full[] = "\r\n[bulkhead: too many consoles are attached]\r\n";
	struct client *c = NULL;

	for (unsigned i = 0; !c && i < ATTACH_CLIENTS_MAX; i++) {
		if (!attached(&a->clients[i]))
			c = &a->clients[i];
	}
	if (!c) {
		(void)!send(fd, full, strlen(full), MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
		return -ENOSPC;
	}
	*c = (struct client){.attach = a, .watch = LOOP_WATCH_INIT, .wants_input = writer};
	c->watch.fd = fd;
	c->watch.ready = client_ready;
	c->position = a->total - min_u64(a->total, ATTACH_HISTORY);
	client_flush(c);
	return attached(c) ? 0 : -ECONNRESET;
}

void attach_room(struct attach *a)
{
	if (a->writer)
		client_watch(a->writer);
}

void attach_finish(struct attach *a)
{
	for (unsigned i = 0; i < ATTACH_CLIENTS_MAX; i++) {
		if (attached(&a->clients[i]))
			client_flush(&a->clients[i]);
		client_close(&a->clients[i]);
	}
}

unsigned attach_count(const struct attach *a)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ATTACH_CLIENTS_MAX; i++)
		n += attached(&a->clients[i]);
	return n;
}
