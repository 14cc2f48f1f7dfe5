/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Serves JSON-RPC (supervisor/rpc.h) to the clients of a listening Unix stream socket, on a loop
 * that never waits for one of them. Clients are hostile: who is not the same user or root is turned
 * away; lines, answers that nobody reads, connections and work per turn are bounded, and who goes
 * beyond is dropped.
 */
#ifndef SUPERVISOR_RPC_SERVER_H
#define SUPERVISOR_RPC_SERVER_H

#include "lib/loop.h"
#include "supervisor/rpc.h"

/* Connections at a time: a few people and programs watch a run. Each costs a watch of the loop. */
#define RPC_CLIENTS_MAX 16

/*
 * Bytes of answers and events that wait for a client to read them: more than the largest single
 * answer (all events kept, or all counters of one partition).
 */
#define RPC_OUT_MAX (1 << 20)

struct rpc_server;
struct rpc_call;

struct rpc_method {
	const char *name;
	/* Has to answer, now or, after rpc_defer, later. */
	void (*call)(struct rpc_call *call);
};

struct rpc_server_config {
	struct loop *loop;
	int listen_fd;                    /* non-blocking; the server's from rpc_server_create on */
	const struct rpc_method *methods; /* a NULL name ends them */
	void *ctx;                        /* for methods */
};

/* A request that is being dealt with. */
struct rpc_call {
	struct rpc_server *server;
	void *ctx;
	json_t *params; /* an object, or NULL; while the method runs */
	/* Ours. */
	json_t *id;
	unsigned client;
	uint32_t generation;
	bool answered;
	bool deferred;
};

/* 0 or a negative errno; listen_fd is closed on failure, too. */
int rpc_server_create(const struct rpc_server_config *config, struct rpc_server **ret_server);

/* Gives clients what they take without waiting, and closes everything. NULL is legal. */
void rpc_server_destroy(struct rpc_server *s);

/* Answers. RESULT is consumed. A client that is gone by now is no error. */
void rpc_reply(struct rpc_call *call, json_t *result);
void rpc_fail(struct rpc_call *call, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Keeps the call in *RET_KEPT, to be answered once, after the method has returned. */
void rpc_defer(struct rpc_call *call, struct rpc_call *ret_kept);

/* The call's client gets notifications from now on. */
void rpc_subscribe(struct rpc_call *call);

/* Sends a notification to all that have subscribed. PARAMS is consumed. */
void rpc_notify(struct rpc_server *s, const char *method, json_t *params);

/*
 * Answers with RESULT (consumed) and hands the connection over: *RET_FD is the caller's, and
 * nothing of the client's is lost. -EBUSY, and the call still wants an answer, when the client has
 * sent more than the request, or has not read all answers.
 */
int rpc_take_connection(struct rpc_call *call, json_t *result, int *ret_fd);

unsigned rpc_server_clients(const struct rpc_server *s);

#endif
