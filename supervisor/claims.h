/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Host cores that a run has to itself, known to all runs of the host, whoever's they are. A claim
 * is a listening Unix socket with the abstract address "\0bulkhead/core/N": the kernel lets one
 * process have it, and takes it back when that ends, however it ends. Who connects is told the
 * owner's name. Abstract addresses belong to a network namespace: runs in different ones do not see
 * each other's. The supervisor's thread.
 */
#ifndef SUPERVISOR_CLAIMS_H
#define SUPERVISOR_CLAIMS_H

#include "lib/loop.h"
#include "lib/rundir.h"

#include <stdbool.h>
#include <sys/types.h>

struct claims;

struct claim_owner {
	char run[RUN_NAME_MAX]; /* empty: it did not say */
	pid_t pid;              /* 0: not known */
};

/* No claims yet; those to come are answered for on LOOP in the name of RUN. 0 or a negative errno.
 */
int claims_create(struct loop *loop, const char *run, struct claims **ret_claims);

/* Gives all claims back. NULL is legal. */
void claims_destroy(struct claims *c);

/* Claims CORE. 0; -EBUSY: it is *RET_OWNER's; else a negative errno. */
int claims_take(struct claims *c, unsigned core, struct claim_owner *ret_owner);

/* Whether some run, this one included, has CORE to itself; *RET_OWNER (NULL: do not ask) is whose.
 */
bool core_claimed(unsigned core, struct claim_owner *ret_owner);

#endif
