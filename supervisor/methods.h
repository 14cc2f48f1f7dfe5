/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control socket offers, and what control.c and methods.c have in common. */
#ifndef SUPERVISOR_METHODS_H
#define SUPERVISOR_METHODS_H

#include "lib/rundir.h"
#include "supervisor/claims.h"
#include "supervisor/rpc_server.h"
#include "supervisor/run.h"

/* `stats` calls that wait for a partition's process. */
#define STATS_WAITING_MAX 16

/* `inspect` calls that do. */
#define INSPECTING_MAX 16

struct stats_waiting {
	struct rpc_call call;
	struct child *child; /* NULL: free */
	uint64_t deadline_ns;
};

struct control {
	struct run *run;
	char name[RUN_NAME_MAX];
	char dir[PATH_MAX];
	int dir_fd;    /* -1: there is no place for the socket */
	int listen_fd; /* -1: no socket; the server's, if there is one */
	struct claims *claims;
	cpu_set_t claimed; /* by others, when this run started */
	uint64_t operational_ns;

	/* methods.c */
	struct rpc_server *server; /* NULL: nobody is served */
	struct event_follower follower;
	struct loop_timer stats_timer; /* runs while stats_waiting has any */
	struct stats_waiting stats_waiting[STATS_WAITING_MAX];
	unsigned inspecting;
};

/* Serves the clients of c->listen_fd. 0 or a negative errno. */
int methods_serve(struct control *c);
void methods_stop(struct control *c);

/* An event as the protocol has it; owned by the caller. */
json_t *event_json(const struct event *e);

#endif
