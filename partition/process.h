/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The partition process, for its own files: start.c makes it, serve.c is what its I/O thread does
 * from then on.
 */
#ifndef PARTITION_PROCESS_H
#define PARTITION_PROCESS_H

#include "devices/testdev/chr_testdev.h"
#include "partition/alarm.h"
#include "partition/build.h"
#include "partition/console.h"
#include "partition/dump.h"
#include "partition/guestlog.h"
#include "partition/inspect.h"
#include "partition/lockdown.h"
#include "partition/protocol.h"

/* What lines of a port are prefixed with: "linux", "linux.hvc1". */
#define PARTITION_LABEL_MAX 100

struct partition {
	int supervisor_fd;
	struct partition_launch launch;
	struct plan_partition *plan;
	struct partition_build build;
	struct vm *vm;
	struct partition_lockdown lockdown;

	struct loop *loop;
	struct notice_sink notices; /* to the supervisor */
	struct loop_watch control;
	struct loop_watch ended;
	struct loop_watch wake; /* chardevs want the I/O thread */
	struct loop_timer drain_timer;
	struct loop_timer button_timer; /* to the end of a press of the power button */
	struct alarm alarm;
	struct dump dump;
	struct chardev ports[PLAN_PORTS_MAX];
	char labels[PLAN_PORTS_MAX][PARTITION_LABEL_MAX];
	struct console *consoles[PLAN_PORTS_MAX];
	struct console_line *line;
	struct chr_testdev testdevs[PLAN_PORTS_MAX]; /* behind ports that have no console */
	struct guestlog guestlog;
	struct inspector inspector;
	struct partition_shared *shared;
	void *status; /* the status page; NULL: the plan gives none */

	bool paused; /* by the supervisor */
	bool stopping;
	bool drained;  /* ... and the consoles have taken all that they will */
	bool core_due; /* ... and the supervisor is to say whether it wants a core */
	uint64_t released_ns;
	uint64_t drain_deadline_ns;
};

/*
 * Builds the partition, locks the process down, and tells the supervisor that it can be released.
 * 0; or a negative errno, and the supervisor has been told why.
 */
int partition_start(struct partition *p);

/* Has p->loop, which is there, serve the supervisor and the devices. 0 or a negative errno. */
int serve_io(struct partition *p);

/* Has it see the VM's end: after vm_start. 0 or a negative errno. */
int serve_vm(struct partition *p);

/*
 * Tells that the partition is ready, GAPS being what it is not isolated from. Its guest runs before
 * that if the supervisor has allowed it already: with a single partition there is nobody to wait
 * for. 0 or a negative errno.
 */
int serve_ready(struct partition *p, const char *gaps, size_t size);

/* The user asks for the end of the run; CTX is the partition. */
void serve_quit(void *ctx);

/* Gives the terminal its mode back, if this partition has one. */
void serve_terminal_back(const struct partition *p);

#endif
