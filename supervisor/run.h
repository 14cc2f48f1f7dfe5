/* SPDX-License-Identifier: BSD-3-Clause */
/* The run, between the files of supervisor/. */
#ifndef SUPERVISOR_RUN_H
#define SUPERVISOR_RUN_H

#include "include/bsp.h"
#include "include/bulkhead/status.h"
#include "lib/diag.h"
#include "lib/loop.h"
#include "partition/protocol.h"
#include "supervisor/events.h"
#include "supervisor/inspection.h"
#include "supervisor/supervisor.h"

#include <jansson.h>
#include <limits.h>
#include <sched.h>
#include <sys/types.h>
#include <termios.h>

enum child_state {
	CHILD_NONE,     /* not spawned */
	CHILD_STARTING, /* spawned */
	CHILD_READY,    /* created, waits for the release */
	CHILD_RUNNING,
	CHILD_PAUSED,
	CHILD_ENDED, /* has reported its end, or died */
};

/* Why a partition, or all of the run, is being stopped. The first reason counts. */
enum stop_reason {
	STOP_NONE,
	STOP_START_FAILED,
	STOP_TIMEOUT,
	STOP_INTERRUPTED,
	STOP_SAFE_STATE,
	STOP_COMMAND, /* somebody asked for it through the control socket */
};

static inline bool child_state_active(enum child_state state)
{
	return state == CHILD_RUNNING || state == CHILD_PAUSED;
}

/* How far a graceful stop has come. */
enum stop_phase {
	STOP_PHASE_NONE,
	STOP_PHASE_VETO,  /* the safety partition may still object */
	STOP_PHASE_GRACE, /* the guest was asked to end itself */
};

/* Counters kept per partition: more would come from a process that lies. */
#define CHILD_COUNTERS_MAX 4096

struct run;
struct ipc_message;

/* The process that makes a file of a child's core. */
struct core_writer {
	struct child *child;
	pid_t pid;                /* 0: there is none */
	struct loop_watch exited; /* its pidfd */
	char path[PATH_MAX];      /* of the file */
};

struct child {
	struct run *run;
	const struct plan_partition *plan;
	unsigned index;
	enum child_state state;
	pid_t pid;
	struct loop_watch exited;  /* pidfd */
	struct loop_watch control; /* socketpair */

	bool failed;        /* could not be created */
	bool failed_host;   /* ... because of the host, not of the plan */
	bool has_result;    /* `result` is there */
	bool lacks_console; /* its image is a Linux kernel that is told of no console */
	bool start_sent;    /* MSG_START, before it was ready */
	bool stop_sent;
	bool broke_protocol;
	enum stop_reason stopped_for;

	/* lifecycle.c */
	enum stop_phase stop_phase;
	struct loop_timer stop_timer; /* to the next step of stop_phase */
	uint64_t veto_deadline_ns;
	enum partition_message awaited; /* MSG_PAUSED or MSG_RESUMED was asked for; 0: neither */
	bool restart_wanted;
	unsigned restarts; /* for whatever reason */
	struct loop_timer restart_timer;
	uint64_t restart_by_ns; /* until when it waits for what its last process had; 0: no */
	void (*stats_done)(struct child *child, void *ctx); /* MSG_STATS_END is awaited; NULL: no */
	void *stats_ctx;

	/* safety.c */
	uint32_t last_cause; /* enum bulkhead_partition_end of its last end */
	uint32_t last_code;  /* ... and its exit code */
	unsigned parked;     /* vCPUs that met a fatal error and will not run again */
	struct loop_timer watchdog;
	uint64_t watch_beats;    /* what the guest had sent by watch_base_ns */
	uint64_t watch_base_ns;  /* when it was last known to be well */
	bool alarmed;            /* it has called the BSP, and not told why yet */
	bool faulted;            /* its watchdog was lost; it has until the timer's end to say so */
	uint64_t faulted_ns;     /* ... when that was seen */
	unsigned fatal_restarts; /* of `restarts`, those that on_fatal has limited */

	/* inspect.c */
	struct inspection *inspection;     /* the answers so far; NULL: nothing was asked */
	struct inspect_waiter *inspectors; /* who waits for it */
	struct loop_timer inspect_timer;   /* to when the process should have answered */
	uint64_t said;                     /* what it had said when that was looked at last */
	uint64_t said_ns;                  /* ... and since when that is so */
	bool silence_told;

	/* core.c */
	struct loop_timer core_timer; /* to when one that is being written must be done */
	unsigned cores_late;          /* that were not: their answers may still come */
	struct core_writer core_writer;

	/* messages.c: lines that the guest logs. */
	uint64_t log_since_ns; /* the second that is going */
	unsigned log_lines;    /* in it */
	uint64_t log_dropped;  /* lines that nobody has been told of */
	/* Queues of tap devices are kept open for the life of the run, over restarts; -1: none. */
	int taps[PLAN_DEVICES_MAX][PLAN_NET_QUEUES_MAX];
	uint16_t mtus[PLAN_DEVICES_MAX]; /* of these devices; 0: not known */
	struct helper *helpers;          /* programs that work for its devices (helper.h) */
	unsigned notices;                /* of its devices, those that were not shown included */

	int shared_fd; /* memfd of `shared` */
	struct partition_shared *shared;
	/* Kept open for the life of the run, over restarts; -1: none. The first: master of a
	 * pseudo-terminal, listening socket, where a link is read. The other: the slave, where the
	 * link is written. */
	int port_fds[PLAN_PORTS_MAX];
	int port_others[PLAN_PORTS_MAX];
	struct loop_timer linger; /* after a stop or its end, until its process must be gone */
	struct message_ended result;
	bool has_report; /* `last` is there */
	struct message_report last;
	char machine[EVENT_TEXT_MAX]; /* what the host's KVM has decided of it; empty: nothing */
	char *gaps; /* of its isolation, a line each; NULL: none; owned, printable */
	/* Reason of a failed start, or report of a fatal end or panic; owned, sanitised. */
	char *report;
	bool report_named; /* symbols.c */
	struct message_counter *counters;
	unsigned counter_count;
};

struct run {
	const struct plan *plan;
	const struct run_options *options;
	struct loop *loop;
	struct loop_watch signals;
	struct loop_timer timeout;
	struct loop_timer silence;
	struct child *children;
	unsigned child_count;
	struct run_bsp *bsp; /* supervisor/bsp.h; NULL: the plan has none */
	enum stop_reason stop;
	bool all_ready; /* every partition is created */
	bool released;
	uint64_t released_ns;    /* CLOCK_MONOTONIC */
	uint64_t interrupted_ns; /* when the first SIGINT or its like came; 0: not yet */
	bool stop_after_veto;    /* what may be vetoed is a stop of the whole run */
	struct event_log events;
	struct control *control;       /* supervisor/control.h */
	struct safe_state *safe_state; /* NULL: not in it */
	struct status_page *status;    /* NULL: no partition has one */
	struct shared_regions *shared; /* supervisor/shared.h; NULL: the plan has none */
	char *gaps;                    /* of the supervisor's own isolation, as a child's */
	struct observer *observer;     /* NULL: nobody is told of events by a descriptor */

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

/* Stops every partition by force, for REASON unless there was one before. */
void run_stop(struct run *run, enum stop_reason reason);

/* Ends the run if nothing is left to wait for. */
void run_check_done(struct run *run);

/* Stops this one, likewise. */
void child_stop(struct child *child, enum stop_reason reason);

static inline bool child_alive(const struct child *child)
{
	return child->pid > 0;
}

/* Its guest exists, and has not ended. */
static inline bool child_active(const struct child *child)
{
	return child_alive(child) && child_state_active(child->state);
}

/* Releases those that are ready: all, once all are, or one that was started again. */
void run_check_ready(struct run *run);

/* ---- child.c ---- */

/* Prepares CHILD for its first start. 0 or -errno; child_fini is legal, and needed, in any case. */
int child_init(struct child *child, struct run *run, unsigned index);
void child_fini(struct child *child);

/* Starts listening to a child; one that cannot be listened to is killed. */
int child_watch(struct child *child, struct diags *diags);

/* Lets the guest run as soon as it can: nothing else has to be ready. Not yet CHILD_RUNNING. */
void child_release_ahead(struct child *child);

/* Lets the guest run. */
void child_release(struct child *child);

/*
 * The child's guest has ended, as its result says: applies the fatal-error rule
 * (docs/fatal-errors.md), and sees to it that the process goes.
 */
void child_concluded(struct child *child);

/* Starts the process of a partition that had ended, anew. What fails is said. */
void child_start_again(struct child *child);

/*
 * The child could not be created, as its report says, or DIAGS have it already: it has ended. One
 * that had run before is lost by that, which may be a fatal error.
 */
void child_not_created(struct child *child);

/* ---- lifecycle.c: what users and guests may ask for while the run is going ---- */

/*
 * All: 0; -EINVAL when the child is not in a state for it; -EBUSY when the safety partition has
 * locked the configuration; else what sending said. The outcome shows as events.
 */
int child_pause(struct child *child);
int child_resume(struct child *child);
int child_kill(struct child *child);
int child_restart(struct child *child);

/*
 * Asks the guest to end itself (power button and control page), and stops it by force when its
 * stop_timeout is over. A safety partition with a veto is asked first.
 */
int child_stop_gracefully(struct child *child);
/* The same for all; the safety partition's veto is one for the run. */
int run_stop_gracefully(struct run *run);

/* Calls DONE once child->counters are those of now, or the child has ended. -EBUSY: asked already.
 */
int child_request_stats(
	struct child *child, void (*done)(struct child *child, void *ctx), void *ctx);

/* True while the safety partition runs and wants nobody to be reconfigured. */
bool run_locked(const struct run *run);

/* The answers of the child, by messages.c. False when they come out of turn. */
bool child_on_paused(struct child *child);
bool child_on_resumed(struct child *child);
bool child_on_stats_end(struct child *child);

/* The child's guest has ended: nothing is asked of it any more. */
void child_requests_end(struct child *child);

/* It was told to end: no restart that is the plan's idea follows. */
static inline bool child_stopping(const struct child *child)
{
	return child->stop_phase == STOP_PHASE_GRACE || child->stop_sent;
}

int child_lifecycle_init(struct child *child);
void child_lifecycle_fini(struct child *child);

/* The child's process is gone: starts it again, a little later, if that is what follows. */
void child_restart_if_wanted(struct child *child);

/* Enters STATE, and tells everybody who follows. */
void child_set_state(struct child *child, enum child_state state);

/* The state in the words that users know: created, running, paused, stopped, failed or parked. */
enum bsp_partition_state child_bsp_state(const struct child *child);
const char *child_state_name(const struct child *child);
/* INIT, OPERATIONAL or TERMINATION. */
const char *run_state_name(const struct run *run);

/* ---- safety.c: fatal errors, watchdogs, the safe state ---- */

/* The child's guest met a fatal error, or its process died, at EVENT_NS: what the plan says. */
void child_fatal(struct child *child, uint64_t event_ns);

/* The BSP's process died while it was needed: the safe state, without it. */
void run_bsp_lost(struct run *run);

/* The BSP was called on HOST_CORE, and nobody has said why: whose core it is must say so, or die.
 */
void run_bsp_alarmed(struct run *run, unsigned host_core);

/* A vCPU of the child is parked. */
void child_vcpu_parked(struct child *child, const struct message_parked *m, const char *report);

/*
 * The guest runs, from now on or again: its watchdog counts, unless a core is being written, whose
 * end starts it. Legal without one.
 */
void child_watchdog_start(struct child *child);
void child_watchdog_stop(struct child *child);

/* The same, but for one that is lost already: it has no more time by a stop or a pause. */
void child_watchdog_forgive(struct child *child);

/* What the plan makes of the child's fatal error, for messages: "the others go on". */
const char *child_fatal_consequence(const struct child *child);

void run_safety_fini(struct run *run);

/* What is under way for the safe state (a command) is waited for. */
bool run_safety_busy(const struct run *run);

/* The reaction times, once the run is over. */
void report_safe_state(struct run *run, FILE *f);

/* The same for --json: an object, or null where there was no safe state. */
json_t *run_safe_state_json(const struct run *run);

/* ---- status.c ---- */

/* Makes the status page if the plan gives one to a partition. 0 or -errno. */
int run_status_init(struct run *run);
void run_status_fini(struct run *run);

/* Something that the page tells has changed. Legal without a page. */
void run_status_changed(struct run *run);

/* What the child gets: descriptors that stay ours, or -1. */
int run_status_fd(const struct run *run, const struct child *child);
int run_status_irq_fd(const struct run *run, const struct child *child);

/* ---- inspect.c: what a guest is at ---- */

/* Embedded by whoever waits for it. */
struct inspect_waiter {
	/* IN is complete; NULL: WHY there is none. W is not waiting any more. */
	void (*done)(struct inspect_waiter *w, struct child *child, const struct inspection *in,
		const char *why);
	struct inspect_waiter *next;
};

/*
 * Calls W->done once the child's process has told what its guest is at, or when it does not within
 * INSPECT_PATIENCE_NS, or has ended. 0; -EINVAL when it is not in a state for it; or what sending
 * said: then nothing is called.
 */
#define INSPECT_PATIENCE_NS 3000000000
int child_inspect(struct child *child, struct inspect_waiter *w);

/* The child's guest has ended: whoever waits is told. */
void child_inspect_end(struct child *child);

/* The answers of the child, by messages.c. False when they come out of turn, or are wrong. */
bool child_on_vcpu(struct child *child, const void *payload, size_t size);
bool child_on_inspected(struct child *child, const void *payload, size_t size);

int child_inspect_init(struct child *child);
void child_inspect_fini(struct child *child);

/* Somebody wants to know (SIGUSR1) what all guests are at: it is said, and events tell it. */
void run_inspect(struct run *run);

/* ---- silence.c ---- */

/* From the release on, tells of partitions that say nothing for as long as the options allow. */
int run_silence_init(struct run *run);
void run_silence_start(struct run *run);
void run_silence_fini(struct run *run);

/* The child's guest runs, for the first time or again; nothing while a core is being written. */
void child_silence_start(struct child *child);

/* ---- observe.c ---- */

/* TEXT, which is of any length, for whoever observes: events of KIND with some lines each. */
void run_observe_text(
	struct run *run, const struct child *child, const char *kind, const char *text);

/* Tells run_options.events_fd of all that happens. After event_log_init. 0 or -errno. */
int run_observe(struct run *run);
void run_unobserve(struct run *run);

/* ---- core.c: ELF cores ---- */

/* Makes run_options.core_dir, if there is one. 0, or -EINVAL with a reason in DIAGS. */
int run_core_dir(struct run *run, struct diags *diags);

/*
 * Has the child write a core into FD, a socket, which stays the caller's: its guest stands still
 * meanwhile. 0; -EINVAL when it is not in a state for it; -EBUSY when it is at it already, or the
 * safety partition has locked the configuration; else what sending said. The first: whether it may.
 */
int child_may_dump(const struct child *child);
int child_dump(struct child *child, int fd);

/* The child's guest has ended: a core of it, if that was fatal and there is a place for cores. */
void child_core_at_end(struct child *child);

/* The same of all that run. */
void run_dump(struct run *run);

/* The child's process still has a core to write, and time for it. */
bool child_core_pending(const struct child *child);

/* A file is being written; nobody waits for it any more. */
bool run_cores_busy(const struct run *run);
void run_abandon_cores(struct run *run);

/* The answer of the child, by messages.c. False when it comes out of turn. */
bool child_on_core_done(struct child *child, const struct ipc_message *m);

/* The child's process has died. */
void child_core_gone(struct child *child);

int child_core_init(struct child *child);
void child_core_fini(struct child *child);

/* ---- symbols.c ---- */

/* Says the child's report, with names in its backtrace unless others still run. */
void child_say_report(struct child *child);

/* At the end of the run: puts names into the reports that have none yet, and says those anew. */
void run_name_reports(struct run *run);

/* ---- messages.c ---- */

/* Takes up to LIMIT messages of the child. One that breaks the protocol is killed. */
void child_receive(struct child *child, unsigned limit);

/* ---- spawn.c ---- */

/*
 * Opens everything the partitions need that is theirs in common. 0 or -EINVAL/-EIO with the reason
 * in DIAGS; undone by run_close.
 */
int run_open(struct run *run, struct diags *diags);
void run_close(struct run *run);

/* Opens the child's files and starts its process. 0 or a negative errno with a reason in DIAGS. */
int child_spawn(struct child *child, struct diags *diags);

/* ---- ports.c ---- */

/* Connects the ends of all links. 0 or -errno. */
int run_link_ports(struct run *run);

/* Lets go of what CHILD's ports have kept, and removes its sockets' names. */
void child_close_ports(struct child *child);

/* ---- kthreads.c ---- */

/* Moves the kernel threads that KVM has made for the partitions to the housekeeping cores. */
void run_settle_kthreads(struct run *run);

/* ---- report.c ---- */

/* The exit code that this child's end asks for by itself. */
enum bh_exit child_exit_code(const struct child *child);

/* True when the child's end is a fatal error in the sense of docs/fatal-errors.md. */
bool child_is_fatal(const struct child *child);

/* The run's exit code: the gravest of all. */
enum bh_exit run_exit_code(const struct run *run);

void report_stats(const struct run *run, FILE *f);
void report_verdict(const struct run *run, enum bh_exit code, FILE *f);
void report_json(const struct run *run, enum bh_exit code, const struct diags *diags, FILE *f);

/* ---- say.c ---- */

/* A line on run->err, starting with "bulkhead: ", that does not continue a console's line. */
void run_say(struct run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Each line of TEXT, after "NAME: " if there is a name. */
void run_say_lines(struct run *run, const char *name, const char *text);

/* Ends a line that a console has left unfinished, and its colour. */
void run_end_line(struct run *run);

/* What to do when nothing better is known. */
#define DOCTOR_REMEDY "see what `bulkhead doctor` says about this host"

/* ---- terminal.c ---- */

/* Notes what the terminal on stdin is like, if it is ours. */
void terminal_find(struct run *run);

/* Makes the terminal raw, if there is one. */
void terminal_make_raw(struct run *run);
void terminal_restore(struct run *run);

/* Its size, for the interactive partition. */
struct partition_window terminal_window(const struct run *run);

/* Its size has changed: tells that partition. */
void terminal_resized(struct run *run);

#endif
