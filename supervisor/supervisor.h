/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The supervisor: starts one process per partition of a plan, releases them together once all are
 * ready, watches them, and concludes how the run ended. Single-threaded; no guest input reaches it:
 * what partition processes report is checked and printed with control characters removed.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include "lib/exitcode.h"
#include "plan/plan.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A partition's process that nobody has told yet which partition it is. */
struct partition_process {
	struct process_starter *starter; /* that is still at it; NULL: none is */
	pid_t pid;                       /* 0: none, or none yet */
	int pidfd;
	int control_fd;
	bool isolated; /* born into namespaces of its own, as all are but with `lockdown: off` */
};

/*
 * Begins to start one, beside its caller. 0 or a negative errno. Whoever starts one before the plan
 * is read has it at hand, its program loaded, when the plan is there.
 */
int process_start(bool isolate, struct partition_process *ret_process);

/* Waits until it is there. 0, or a negative errno: there is none; -ESRCH: none was started. */
int process_wait(struct partition_process *process);

/* Ends and reaps it. Legal for none. */
void process_end(struct partition_process *process);

/* A port that is connected to a descriptor of the caller's, both ways. */
struct run_port {
	char partition[64];
	char port[PLAN_PORT_NAME_MAX]; /* its label */
	int fd;                        /* a stream socket that does not block */
};

struct run_options {
	/* Whose console is shown: a partition's name (interactive), "all" (lines with prefixes),
	 * "none"; NULL: the partition's if there is only one, else all. */
	const char *console;
	const char *log_dir;      /* NULL: no logs */
	const char *core_dir;     /* where cores of partitions that die go; NULL: nowhere */
	uint64_t timeout_ns;      /* from the release on; 0: none */
	bool stats;               /* print exit counters at the end */
	bool json;                /* the result as JSON on stdout; consoles move to stderr */
	bool quiet;               /* no start-up lines */
	const char *name;         /* of the run; NULL: the plan's, else default_name */
	const char *default_name; /* made a name of, and another one if it is taken; NULL: the
				   * plan's file */
	bool detach;  /* nobody is at the terminal: without the control socket it does not start */
	int ready_fd; /* gets the run's name and a newline when it is OPERATIONAL; 0: none */
	const struct run_port *ports; /* ports of kind `console` that go elsewhere */
	unsigned port_count;
	int events_fd;       /* gets each event as a line of JSON; 0: none */
	uint64_t sample_ns;  /* ... and that often what each partition has counted; 0: never */
	uint64_t silence_ns; /* a partition that says nothing for so long is told of; 0: never */
	bool silence_first;  /* ... but only before it has said anything */
	struct partition_process *spare; /* taken for the first partition if it fits; NULL: none */
};

/* argv[0] of a process that makes the file of a core, and what that does. Its exit code. */
#define CORE_WRITER_ARGV0 "bulkhead-core"
int core_writer_main(int argc, char **argv);

/* Runs PLAN to its end; diagnostics and the verdict go to stderr. An enum bh_exit. */
int supervisor_run(const struct plan *plan, const struct run_options *options);

/*
 * Whether what PLAN needs beside this program is there: the one that runs its BSP, what is behind
 * its network devices. 0, or -ENOENT
 * with an error in DIAGS.
 */
int supervisor_check_programs(const struct plan *plan, struct diags *diags);

#endif
