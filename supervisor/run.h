/* SPDX-License-Identifier: BSD-3-Clause */
/* The run, between the files of supervisor/. */
#ifndef SUPERVISOR_RUN_H
#define SUPERVISOR_RUN_H

#include "lib/diag.h"
#include "lib/loop.h"
#include "partition/protocol.h"
#include "supervisor/supervisor.h"

#include <sched.h>
#include <sys/types.h>
#include <termios.h>

enum child_state {
	CHILD_NONE,     /* not spawned */
	CHILD_STARTING, /* spawned */
	CHILD_READY,    /* created, waits for the release */
	CHILD_RUNNING,
	CHILD_ENDED, /* has reported its end, or died */
};

/* Counters kept per partition: more would come from a process that lies. */
#define CHILD_COUNTERS_MAX 4096

struct run;

struct child {
	struct run *run;
	const struct plan_partition *plan;
	unsigned index;
	enum child_state state;
	pid_t pid;
	struct loop_watch exited;  /* pidfd */
	struct loop_watch control; /* socketpair */

	bool failed;      /* could not be created */
	bool failed_host; /* ... because of the host, not of the plan */
	bool has_result;  /* `result` is there */
	bool stop_sent;
	bool broke_protocol;
	int pty_slaves[PLAN_SERIAL_PORTS]; /* kept open for the life of the run; -1: none */
	struct loop_timer linger;          /* after its end, until its process must be gone */
	struct message_ended result;
	bool has_report; /* `last` is there */
	struct message_report last;
	char *report; /* reason of a failed start, or report of a fatal end; owned, sanitised */
	struct message_counter *counters;
	unsigned counter_count;
};

/* Why the whole run is being stopped. The first one counts. */
enum stop_reason {
	STOP_NONE,
	STOP_START_FAILED,
	STOP_TIMEOUT,
	STOP_INTERRUPTED,
	STOP_SAFE_STATE,
};

struct run {
	const struct plan *plan;
	const struct run_options *options;
	struct loop *loop;
	struct loop_watch signals;
	struct loop_timer timeout;
	struct loop_timer grace; /* after it, what does not stop is killed */
	struct child *children;
	unsigned child_count;
	struct run_bsp *bsp; /* supervisor/bsp.h; NULL: the plan has none */
	enum stop_reason stop;
	bool released;
	uint64_t interrupted_ns; /* when the first SIGINT or its like came; 0: not yet */

	cpu_set_t allowed;             /* the cores that this process was given */
	uint64_t io_cores[CORE_WORDS]; /* ... and those of them for housekeeping */
	int kvm_fd;
	int line_fd;
	struct console_line *line;
	FILE *err;           /* our own messages: standard error, made unable to block us */
	int console_out;     /* where consoles are shown; -1: nowhere */
	bool err_is_console; /* ... and where that is the file that consoles are shown in */
	int console_in;      /* where the interactive partition reads; -1: nowhere */
	int console_child;   /* index of the interactive partition; -1: none */
	bool has_terminal; /* the interactive partition reads a terminal; termios is what it was */
	bool raw;          /* the terminal is raw */
	struct termios termios;
};

/* ---- run.c ---- */

/* Stops every partition, for REASON unless there was one before. */
void run_stop(struct run *run, enum stop_reason reason);

/*
 * The child's guest has ended, as its result says: applies the fatal-error rule (design.md
 * section 3), and sees to it that the process goes.
 */
void child_concluded(struct child *child);

/* ---- messages.c ---- */

/* Takes up to LIMIT messages of the child. One that breaks the protocol is killed. */
void child_receive(struct child *child, unsigned limit);

/* ---- spawn.c ---- */

/*
 * A descriptor for FD's file that does not block, and whose flags are not shared with whoever gave
 * us FD; or a copy of FD where that cannot be had. FLAGS: O_WRONLY or O_RDONLY. Negative errno.
 */
int open_console(int fd, int flags);

/*
 * Opens everything the partitions need that is theirs in common. 0 or -EINVAL/-EIO with the reason
 * in DIAGS; undone by run_close.
 */
int run_open(struct run *run, struct diags *diags);
void run_close(struct run *run);

/* Opens the child's files and starts its process. 0 or a negative errno with a reason in DIAGS. */
int child_spawn(struct child *child, struct diags *diags);

/* ---- kthreads.c ---- */

/* Moves the kernel threads that KVM has made for the partitions to the housekeeping cores. */
void run_settle_kthreads(struct run *run);

/* ---- report.c ---- */

/* The exit code that this child's end asks for by itself. */
enum bh_exit child_exit_code(const struct child *child);

/* True when the child's end is a fatal error in the sense of design.md section 3. */
bool child_is_fatal(const struct child *child);

/* The run's exit code: the gravest of all. */
enum bh_exit run_exit_code(const struct run *run);

void report_stats(const struct run *run, FILE *f);
void report_verdict(const struct run *run, enum bh_exit code, FILE *f);
void report_json(const struct run *run, enum bh_exit code, const struct diags *diags, FILE *f);

/* ---- say.c ---- */

/* A line on run->err, starting with "bulkhead: ", that does not continue a console's line. */
void run_say(struct run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Ends a line that a console has left unfinished, and its colour. */
void run_end_line(struct run *run);

/* What to do when nothing better is known. */
#define DOCTOR_REMEDY "see what `bulkhead doctor` says about this host"

/* ---- terminal.c ---- */

/* True when stdin is a terminal that we may read: we are in its foreground, or it has none. */
bool terminal_is_ours(void);

/* Notes what the terminal on stdin is like, if it is ours. */
void terminal_find(struct run *run);

/* Makes the terminal raw, if there is one. */
void terminal_make_raw(struct run *run);
void terminal_restore(struct run *run);

#endif
