/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The run's BSP, as the supervisor sees it: a process of its own (bsp/), that it starts, has call
 * bsp_init on one core after the other, and watches. run.c calls what is here, on its loop.
 */
#ifndef SUPERVISOR_BSP_H
#define SUPERVISOR_BSP_H

#include "bsp/protocol.h"
#include "include/bsp.h"
#include "lib/diag.h"
#include "lib/exitcode.h"
#include "lib/loop.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ipc_message;
struct run;

/* One host core of the plan, with what the supervisor knows of its hooks. Times: monotonic, ns. */
struct bsp_core {
	unsigned core;
	const struct plan_partition *partition; /* whose it is; the safety partition first */
	int alarm_fd;
	uint64_t init_start_ns, init_end_ns; /* 0: not called */
	bool init_ok;
	uint64_t expected_ns; /* when the supervisor learned of the fatal error; 0: there is none */
	bool concluded;       /* bsp_fatal_error has ended, overstayed, or died */
};

enum bsp_phase {
	BSP_LOADING,
	BSP_LOADED,      /* may be initialised */
	BSP_INIT,        /* bsp_init is being called on the cores */
	BSP_OPERATIONAL, /* ... has succeeded on all of them */
	BSP_FAILED,      /* could not be loaded, bsp_init has failed, or it died before */
	BSP_DEAD,        /* its process has ended since */
};

struct run_bsp {
	struct run *run;
	struct diags *diags; /* where reasons of a failed start go */
	enum bsp_phase phase;
	enum bh_exit failure; /* BSP_FAILED: the exit code */
	pid_t pid;            /* 0: gone */
	uint32_t crashed;     /* the signal that it says it ends by; 0: none */
	bool broke_protocol;
	struct loop_watch exited;  /* pidfd */
	struct loop_watch control; /* socketpair */
	struct loop_timer look;    /* BSP_OPERATIONAL: for cores whose hook has been entered */
	struct loop_timer timer;   /* of bsp_init, then of the next bsp_fatal_error to overstay */
	struct bsp_shared_core *shared;
	unsigned core_count;
	struct bsp_core *cores;
	unsigned next; /* BSP_INIT: the core whose bsp_init runs */
	void (*done)(struct run *run, bool ok);
	/* May be NULL. */
	void (*settled)(struct run *run);
	void (*died)(struct run *run);
	void (*alarmed)(struct run *run, unsigned host_core);
};

/*
 * Starts the BSP's process, if the plan has a BSP, and returns without waiting for it. DIAGS stays
 * in use until run_bsp_stop. 0; or -EINVAL (a file of the plan cannot be opened) or -EIO (this host
 * cannot), with the reasons in DIAGS.
 */
int run_bsp_start(struct run *run, struct diags *diags);

/*
 * Once every partition is ready: calls bsp_init on all cores, one after the other, then DONE, from
 * the loop or at once (when the plan has no BSP). Not OK: the reason is in DIAGS, and nothing may
 * start. DONE is not called any more after run_bsp_stop.
 */
void run_bsp_init(struct run *run, void (*done)(struct run *run, bool ok));

/*
 * The eventfd that calls bsp_fatal_error on HOST_CORE, for the process of a partition whose fatal
 * errors go to the BSP: its vCPU writes the time of the event there (CLOCK_MONOTONIC ns, 8 bytes;
 * see BSP_ALARM). -1: there is none.
 */
int run_bsp_alarm_fd(const struct run *run, unsigned host_core);

/*
 * A fatal error was met on HOST_CORE at EVENT_NS (0: now), and the vCPU's thread may or may not
 * have called the BSP itself: sees to it that bsp_fatal_error is called, once, and that its end or
 * its overstaying is told. Before BSP_OPERATIONAL nothing happens.
 */
void run_bsp_fatal(struct run *run, unsigned host_core, uint64_t event_ns);

/* True while some bsp_fatal_error runs that has time left: the run must not end before. */
bool run_bsp_busy(const struct run *run);

/*
 * Who is called from the loop: SETTLED when run_bsp_busy may have become false; DIED when the BSP's
 * process has ended by itself while operational, which is a fatal event and has been said; ALARMED
 * when bsp_fatal_error has run on a core for an event that run_bsp_fatal has not been told of.
 * Legal without a BSP.
 */
void run_bsp_watch(struct run *run, void (*settled)(struct run *run), void (*died)(struct run *run),
	void (*alarmed)(struct run *run, unsigned host_core));

/* Tells the BSP of a partition's new state. */
void run_bsp_state(struct run *run, const char *partition, enum bsp_partition_state state);

/*
 * The run has ended: lets the BSP shut down, for as long as its deadline, and ends its process.
 * Legal at any time, and twice. Waits, outside the loop, unless one of the signals comes that end a
 * run.
 */
void run_bsp_stop(struct run *run);

/* Frees everything; run_bsp_stop comes first. */
void run_bsp_destroy(struct run *run);

/* BH_EXIT_OK, or why the start has failed: BH_EXIT_USAGE, BH_EXIT_HOST. */
enum bh_exit run_bsp_exit_code(const struct run *run);

/*
 * The reaction times, as parts of a line about the safe state whose event was at EVENT_NS:
 * "; bsp_fatal_error entered on core 1 after 0.043 ms".
 */
void run_bsp_report(const struct run *run, uint64_t event_ns, FILE *f);

/* For --json: what happened on each core and when; null when the plan has no BSP. */
json_t *run_bsp_json(const struct run *run);

/* ---- between bsp.c, bsp_fatal.c, bsp_spawn.c and bsp_report.c ---- */

/* "35 us", "120 ms". */
#define BSP_DURATION_MAX 32
const char *bsp_duration(uint64_t ns, char buf[BSP_DURATION_MAX]);

/* Expects the end of those bsp_fatal_error that were entered before anybody could know. */
void bsp_expect_entered(struct run_bsp *bsp);

/* BSP_MSG_LEFT. False when the message is not one that may come now. */
bool bsp_on_left(struct run_bsp *bsp, const struct ipc_message *m);

/* Some partition has called a hook and not said so: now it is known, and has to say why. */
void bsp_note_entered(struct run_bsp *bsp);

/* Looks every BSP_LOOK_NS whether some partition has called a hook and not said so. */
#define BSP_LOOK_NS 10000000
void bsp_fatal_look(struct loop_timer *t);

/* The timer has expired: says which have overstayed. */
void bsp_fatal_overstayed(struct run_bsp *bsp);

/* The process has ended as HOW says, and with it all bsp_fatal_error. Whether there were any. */
bool bsp_conclude_all(struct run_bsp *bsp, const char *how);

void bsp_call_settled(struct run_bsp *bsp);

/* The shared object, or "builtin". */
const char *bsp_path(const struct run_bsp *bsp);

/* Makes what BSP shares with its process and starts that: bsp->pid and both watches' descriptors.
 * 0; or -EINVAL or -EIO with the reasons in bsp->diags. */
int bsp_spawn(struct run_bsp *bsp);

#endif
