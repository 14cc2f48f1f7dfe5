/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The run as others see it: its name, the host cores that it claims, and its control socket. The
 * protocol is in docs/control-protocol.md.
 */
#ifndef SUPERVISOR_CONTROL_H
#define SUPERVISOR_CONTROL_H

#include "lib/diag.h"

#include <sched.h>

struct run;

/* What `status` says it speaks; raised when something that clients use changes or goes. */
#define CONTROL_PROTOCOL_VERSION 1

/*
 * In INIT, before anything is spawned or pinned; needs run->loop and the event log. Gives the run
 * its name, claims the cores that partitions own, and listens. 0; -EINVAL: the name is wrong, or a
 * live run of this user has it; -EBUSY: another run has a core; else what failed, negative: each
 * with the reason in DIAGS. A host without a place for sockets is no failure, unless the run is to
 * be detached: that is said. control_stop is legal, and needed, in any case.
 */
int control_start(struct run *run, struct diags *diags);

/* All partitions have been released: tells whoever waits for it (run_options.ready_fd, systemd). */
void control_operational(struct run *run);

/* Hangs up, removes the socket and gives the cores back. */
void control_stop(struct run *run);

/*
 * Takes the cores that other runs had to themselves when this one started out of CORES, unless none
 * would be left.
 */
void control_exclude_claimed(const struct run *run, cpu_set_t *cores);

#endif
