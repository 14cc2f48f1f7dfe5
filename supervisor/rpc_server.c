/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/rpc_server.h"

#include "lib/listener.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

/* Bytes of the text of an error. */
#define MESSAGE_MAX 512

struct rpc_client {
	struct rpc_server *server;
	struct loop_watch watch; /* fd -1: free */
	uint32_t generation;     /* changes when another client takes the place */
	bool subscribed;
	bool ended;        /* it sends no more */
	unsigned deferred; /* calls that are not answered yet */
	uint64_t heard_ns; /* when it last sent something */
	size_t in_size;
	char *out; /* [out_at, out_size) is to be sent */
	size_t out_at, out_size;
	char in[RPC_LINE_MAX];
};

struct rpc_server {
	struct rpc_server_config config;
	struct listener listener;
	unsigned places; /* of clients, those that were ever taken: the others are untouched */
	struct rpc_client clients[RPC_CLIENTS_MAX];
};

/* ---- one client ---- */

static bool connected(const struct rpc_client *c)
{
	return c->watch.fd >= 0;
}

static void client_forget(struct rpc_client *c)
{
	free(c->out);
	c->out = NULL;
	c->watch.fd = -1;
	c->generation++;
}

static void client_drop(struct rpc_client *c)
{
	loop_unwatch(c->server->config.loop, &c->watch);
	fd_close(&c->watch.fd);
	client_forget(c);
}

static bool has_line(const struct rpc_client *c)
{
	return memchr(c->in, '\n', c->in_size) != NULL;
}

/*
 * What the client waits for. While answers wait to be read no more requests are taken. A line that
 * is here already waits for its turn, which comes with the next round of the loop: sockets are
 * writable.
 */
static void client_watch(struct rpc_client *c)
{
	uint32_t events = POLLIN;

	if (c->out_size || has_line(c))
		events = POLLOUT;
	else if (c->ended)
		events = 0;
	if (c->ended && !events && !c->deferred && !c->subscribed) {
		client_drop(c);
		return;
	}
	if (c->watch.slot >= 0 && c->watch.events == events)
		return;
	c->watch.events = events;
	if (loop_watch(c->server->config.loop, &c->watch))
		client_drop(c);
}

/* Sends what there is and fits. False when the client is gone. */
static bool client_flush(struct rpc_client *c)
{
	while (c->out_at < c->out_size) {
		ssize_t n = send(c->watch.fd, c->out + c->out_at, c->out_size - c->out_at,
			MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0) {
			client_drop(c);
			return false;
		}
		c->out_at += (size_t)n;
	}
	free(c->out);
	c->out = NULL;
	c->out_at = c->out_size = 0;
	return true;
}

/* Sends LINE, which is consumed; NULL: there was no memory for it. */
static void client_send(struct rpc_client *c, char *line)
{
	size_t size = line ? strlen(line) : 0;
	char *out = NULL;

	if (c->out_at) {
		memmove(c->out, c->out + c->out_at, c->out_size - c->out_at);
		c->out_size -= c->out_at;
		c->out_at = 0;
	}
	if (line && c->out_size + size <= RPC_OUT_MAX)
		out = realloc(c->out, c->out_size + size);
	if (!out) {
		free(line);
		client_drop(c);
		return;
	}
	memcpy(out + c->out_size, line, size);
	free(line);
	c->out = out;
	c->out_size += size;
	if (client_flush(c))
		client_watch(c);
}

/* ---- calls ---- */

static struct rpc_client *call_client(const struct rpc_call *call)
{
	struct rpc_client *c = &call->server->clients[call->client];

	return connected(c) && c->generation == call->generation ? c : NULL;
}

/* Ends the call with LINE, which is consumed. Notifications are not answered. */
static void answer(struct rpc_call *call, char *line)
{
	struct rpc_client *c = call_client(call);

	call->answered = true;
	if (c && call->deferred)
		c->deferred--;
	if (c && call->id)
		client_send(c, line);
	else
		free(line);
	if (call->deferred)
		json_decref(call->id);
}

void rpc_reply(struct rpc_call *call, json_t *result)
{
	answer(call, rpc_result(call->id, result));
}

void rpc_fail(struct rpc_call *call, int code, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	answer(call, rpc_error(call->id, code, message));
}

void rpc_defer(struct rpc_call *call, struct rpc_call *ret_kept)
{
	struct rpc_client *c = call_client(call);

	*ret_kept = *call;
	ret_kept->params = NULL;
	ret_kept->deferred = true;
	json_incref(ret_kept->id);
	call->answered = true;
	if (c)
		c->deferred++;
}

void rpc_subscribe(struct rpc_call *call)
{
	struct rpc_client *c = call_client(call);

	if (c)
		c->subscribed = true;
}

int rpc_take_connection(struct rpc_call *call, json_t *result, int *ret_fd)
{
	struct rpc_client *c = call_client(call);
	char *line;
	ssize_t n;

	if (!c || !call->id || c->in_size || c->out_size || c->deferred) {
		json_decref(result);
		return -EBUSY;
	}
	line = rpc_result(call->id, result);
	n = line ? send(c->watch.fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) : -1;
	/* An empty socket takes a line: one that does not is broken. */
	if (n < 0 || (size_t)n != strlen(line)) {
		free(line);
		return -EBUSY;
	}
	free(line);
	call->answered = true;
	loop_unwatch(call->server->config.loop, &c->watch);
	*ret_fd = c->watch.fd;
	client_forget(c);
	return 0;
}

static const struct rpc_method *find_method(const struct rpc_server *s, const char *name)
{
	for (const struct rpc_method *m = s->config.methods; m->name; m++) {
		if (strcmp(m->name, name) == 0)
			return m;
	}
	return NULL;
}

/* One request. The client may be gone afterwards. */
static void call_method(struct rpc_client *c, const struct rpc_request *r)
{
	struct rpc_server *s = c->server;
	const struct rpc_method *m = find_method(s, r->method);
	struct rpc_call call = {.server = s,
		.ctx = s->config.ctx,
		.params = r->params,
		.id = r->id,
		.client = (unsigned)(c - s->clients),
		.generation = c->generation};

	if (m)
		m->call(&call);
	else
		rpc_fail(&call, RPC_ERROR_METHOD,
			"there is no method \"%.64s\"; see docs/control-protocol.md", r->method);
	if (!call.answered)
		rpc_fail(&call, RPC_ERROR_INTERNAL, "the method gave no answer");
}

static bool is_blank(const char *line, size_t size)
{
	while (size && (line[size - 1] == ' ' || line[size - 1] == '\r' || line[size - 1] == '\t'))
		size--;
	return !size;
}

/* The first line of the input, if it is complete. The client may be gone afterwards. */
static void client_take_line(struct rpc_client *c)
{
	const char *end = memchr(c->in, '\n', c->in_size), *why;
	size_t size = end ? (size_t)(end - c->in) : 0;
	struct rpc_request request;
	json_t *id = NULL;
	bool blank;
	int code = 0;

	if (!end)
		return;
	blank = is_blank(c->in, size);
	if (!blank)
		code = rpc_parse(c->in, size, &request, &why, &id);
	c->in_size -= size + 1;
	memmove(c->in, end + 1, c->in_size);
	if (blank)
		return;
	if (!code) {
		call_method(c, &request);
		rpc_request_fini(&request);
		return;
	}
	client_send(c, rpc_error(id, code, why));
	json_decref(id);
}

static void client_receive(struct rpc_client *c)
{
	ssize_t n = recv(c->watch.fd, c->in + c->in_size, sizeof(c->in) - c->in_size, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		client_drop(c);
		return;
	}
	c->ended = n == 0;
	c->heard_ns = monotonic_ns();
	c->in_size += (size_t)n;
	if (c->in_size < sizeof(c->in) || has_line(c))
		return;
	client_send(c, rpc_error(NULL, RPC_ERROR_PARSE, "the request is longer than 4096 bytes"));
	if (connected(c))
		client_drop(c);
}

static void client_ready(struct loop_watch *w, uint32_t revents)
{
	struct rpc_client *c = container_of(w, struct rpc_client, watch);
	uint32_t generation = c->generation;

	if (revents & POLLERR || (revents & POLLHUP && !(revents & POLLIN))) {
		client_drop(c);
		return;
	}
	if (c->out_size && !client_flush(c))
		return;
	if (!c->out_size && !has_line(c) && revents & POLLIN)
		client_receive(c);
	/* One request a turn: others wait for the loop, too. */
	if (c->generation == generation && !c->out_size)
		client_take_line(c);
	if (c->generation == generation && connected(c))
		client_watch(c);
}

/* ---- all clients ---- */

/* The control socket is for its owner, and for root. */
static bool may_connect(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return false;
	return peer.uid == geteuid() || peer.uid == 0;
}

/*
 * A place for a new client: a free one, or that of the client that was silent longest and waits for
 * nothing. NULL: all wait for something.
 */
static struct rpc_client *find_place(struct rpc_server *s)
{
	struct rpc_client *silent = NULL;

	for (unsigned i = 0; i < s->places; i++) {
		struct rpc_client *c = &s->clients[i];

		if (!connected(c))
			return c;
		if (c->subscribed || c->deferred)
			continue;
		if (!silent || c->heard_ns < silent->heard_ns)
			silent = c;
	}
	if (s->places < RPC_CLIENTS_MAX)
		return &s->clients[s->places++];
	if (silent)
		client_drop(silent);
	return silent;
}

static void client_comes(struct listener *l, int fd)
{
	static const char full[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":5,"
				   "\"message\":\"too many clients are connected\"}}\n";
	struct rpc_server *s = container_of(l, struct rpc_server, listener);
	struct rpc_client *c = may_connect(fd) ? find_place(s) : NULL;
	uint32_t generation;

	if (!c) {
		if (may_connect(fd))
			(void)!send(fd, full, strlen(full), MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
		return;
	}
	generation = c->generation;
	*c = (struct rpc_client){.server = s,
		.generation = generation,
		.heard_ns = monotonic_ns(),
		.watch = {.fd = fd, .slot = -1, .ready = client_ready}};
	client_watch(c);
}

void rpc_notify(struct rpc_server *s, const char *method, json_t *params)
{
	for (unsigned i = 0; i < s->places; i++) {
		struct rpc_client *c = &s->clients[i];

		if (connected(c) && c->subscribed)
			client_send(c, rpc_notification(method, json_incref(params)));
	}
	json_decref(params);
}

unsigned rpc_server_clients(const struct rpc_server *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->places; i++)
		n += connected(&s->clients[i]);
	return n;
}

int rpc_server_create(const struct rpc_server_config *config, struct rpc_server **ret_server)
{
	struct rpc_server *s = calloc(1, sizeof(*s));
	int ret;

	if (!s) {
		close(config->listen_fd);
		return -ENOMEM;
	}
	s->config = *config;
	ret = listener_init(&s->listener, config->loop, config->listen_fd, client_comes);
	if (ret)
		rpc_server_destroy(s);
	else
		*ret_server = s;
	return ret;
}

void rpc_server_destroy(struct rpc_server *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->places; i++) {
		struct rpc_client *c = &s->clients[i];

		if (connected(c) && client_flush(c))
			client_drop(c);
	}
	listener_fini(&s->listener);
	fd_close(&s->config.listen_fd);
	free(s);
}
