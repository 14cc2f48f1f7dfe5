/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tells the supervisor what the guest is at: looks at each vCPU several times, a little apart, and
 * sends what it has found. All on the I/O thread, which waits for nobody meanwhile.
 */
#ifndef PARTITION_INSPECT_H
#define PARTITION_INSPECT_H

#include "lib/loop.h"

#include <stdint.h>

struct partition;
struct message_vcpu;
struct vcpu_look;

struct inspector {
	struct partition *partition;
	struct loop_timer timer;
	unsigned looks;          /* that have been taken */
	unsigned sent;           /* vCPUs that have been told of */
	uint64_t asked_ns;       /* when the vCPUs were last asked for a look */
	struct vcpu_look *now;   /* one for each vCPU, for as long as the VM lives */
	struct message_vcpu *of; /* what has been found of each */
};

/* Before the VM is there. 0 or a negative errno. */
int inspector_init(struct inspector *in, struct partition *p);

/* MSG_INSPECT: the answers come by and by. Legal while it is at it: nothing more comes of that. */
void inspector_start(struct inspector *in);

/* The guest ends: no more answers come. */
void inspector_stop(struct inspector *in);

#endif
