/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other end of the control socket (docs/control-protocol.md): finds the run that a command is
 * about, asks it, and follows its events. Waits, but never for ever for a supervisor that does not
 * answer. Reasons of failure go to a list of diagnostics; the results are an enum bh_exit:
 * BH_EXIT_USAGE when there is no such run or partition or several are meant, BH_EXIT_GUEST_FAILED
 * when it was refused, BH_EXIT_HOST when the supervisor cannot be reached.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "cli/commands.h"
#include "lib/diag.h"
#include "lib/rundir.h"

#include <jansson.h>

struct client {
	int fd; /* -1: not connected */
	char run[RUN_NAME_MAX];
	json_t *status; /* as it was when we connected */
	json_t *events; /* array: those that came and nobody has taken yet */
	char *in;       /* what came of a line that is not complete */
	size_t in_size;
	json_int_t next_id;
	bool ended; /* the connection is at its end: so is the run */
};

void client_close(struct client *c);

/*
 * Connects to all live runs, sorted by name. The caller closes each and frees the array. Those that
 * do not answer are warned about in DIAGS. How many there are.
 */
unsigned clients_connect(struct diags *diags, struct client **ret_clients);

/* What a command's NAME may stand for. */
enum target_kind {
	TARGET_RUN = 1 << 0,
	TARGET_PARTITION = 1 << 1,
};

/*
 * Connects to the run that the command is about. RUN: of --run, or NULL. NAME: PARTITION,
 * RUN/PARTITION, a run's name (or RUN/, where KINDS has TARGET_RUN), or NULL: the run itself.
 * *RET_PARTITION is the partition's name, within NAME, or NULL: the run is meant.
 */
enum bh_exit client_find(const char *run, const char *name, unsigned kinds, struct diags *diags,
	struct client *ret_client, const char **ret_partition);

/*
 * Calls METHOD with PARAMS (consumed; NULL: none). On success *RET_RESULT is the caller's. DIAGS
 * may be NULL.
 */
enum bh_exit client_call(struct client *c, const char *method, json_t *params, struct diags *diags,
	json_t **ret_result);

/*
 * Waits up to TIMEOUT_MS (-1: for ever) for the next event: BH_EXIT_OK and *RET_EVENT, the
 * caller's, or NULL when none came in time; BH_EXIT_HOST, without a diagnostic, at the end of the
 * connection.
 */
enum bh_exit client_next_event(struct client *c, int timeout_ms, json_t **ret_event);

/* The partition NAME in a status, or NULL. */
json_t *status_partition(const json_t *status, const char *name);

/* The string KEY of OBJECT, or "". */
const char *json_text(const json_t *object, const char *key);

/*
 * Ends a command: prints DIAGS to stderr, or, if JSON, with CODE to stdout, unless CODE is
 * BH_EXIT_OK. Frees DIAGS. Returns CODE.
 */
int client_finish(const struct command *cmd, bool json, enum bh_exit code, struct diags *diags);

/* Prints O (consumed) and a newline. */
void json_print(json_t *o);

#endif
