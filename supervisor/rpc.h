/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON-RPC 2.0, one message per line: requests taken apart, responses put together. What comes from
 * a socket is hostile. Left out of the specification: batches, and parameters by position; both are
 * answered with the error that it has for them. Pure; one thread.
 */
#ifndef SUPERVISOR_RPC_H
#define SUPERVISOR_RPC_H

#include "lib/util.h"

#include <jansson.h>

/* A request names a method and a partition: the longest honest one has some 300 bytes. */
#define RPC_LINE_MAX 4096

/* Codes of errors: those of the specification, and ours from 1 on (docs/control-protocol.md). */
enum rpc_error {
	RPC_ERROR_PARSE = -32700,
	RPC_ERROR_REQUEST = -32600,
	RPC_ERROR_METHOD = -32601,
	RPC_ERROR_PARAMS = -32602,
	RPC_ERROR_INTERNAL = -32603,
	RPC_ERROR_PARTITION = 1, /* there is no such partition */
	RPC_ERROR_STATE = 2,     /* not in a state for it */
	RPC_ERROR_LOCKED = 3,    /* the safety partition has taken the lock */
	RPC_ERROR_TIMEOUT = 4,   /* the partition's process did not answer */
	RPC_ERROR_BUSY = 5,      /* too many of a kind */
};

struct rpc_request {
	json_t *root;       /* owns what follows */
	const char *method; /* not NULL */
	json_t *params;     /* an object, or NULL */
	json_t *id;         /* string, integer, real or null; NULL: a notification, not answered */
};

/*
 * Takes LINE apart (SIZE bytes, without the newline). 0, and rpc_request_fini is due; or an enum
 * rpc_error with its reason in RET_WHY, and in *RET_ID the id to answer with, owned by the caller,
 * NULL for null.
 */
int rpc_parse(const char *line, size_t size, struct rpc_request *ret, const char **ret_why,
	json_t **ret_id);
void rpc_request_fini(struct rpc_request *r);

/*
 * Lines to send, newline included, to be freed by the caller; NULL without memory. ID NULL stands
 * for null; RESULT and PARAMS are consumed.
 */
char *rpc_result(json_t *id, json_t *result);
char *rpc_error(json_t *id, int code, const char *message);
char *rpc_notification(const char *method, json_t *params);

/* TEXT as a JSON string, with a question mark for each byte that is not UTF-8 and for controls. */
json_t *rpc_text(const char *text);

#endif
