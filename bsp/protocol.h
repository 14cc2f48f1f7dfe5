/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between the supervisor and the process that runs the BSP (bulkhead-bsp): a sealed memfd with
 * struct bsp_launch and struct bsp_launch_core per core, the messages on their socketpair
 * (lib/ipc.h), a page per run with the times of each core's hooks, and one eventfd per core that
 * calls bsp_fatal_error there. The BSP is the user's code: the supervisor trusts nothing it says.
 */
#ifndef BSP_PROTOCOL_H
#define BSP_PROTOCOL_H

#include <stdint.h>

/* The program, beside `bulkhead` or in ../libexec/bulkhead/; argv[1] is the number of the memfd. */
#define BSP_PROGRAM "bulkhead-bsp"

#define BSP_LAUNCH_VERSION 1
#define BSP_CORES_MAX      1024
#define BSP_FILES_MAX      16
#define BSP_NAME_MAX       64 /* a partition's name, with its NUL */
#define BSP_PATH_MAX       4096
#define BSP_TEXT_MAX       512 /* a line of a log, a reason */
#define BSP_NOTE_MAX       4096

/* The plan's `lockdown`. */
enum bsp_lockdown { BSP_LOCKDOWN_AUTO, BSP_LOCKDOWN_STRICT, BSP_LOCKDOWN_OFF };

struct bsp_launch_file {
	int32_t fd;
	char path[BSP_PATH_MAX];
};

struct bsp_launch {
	uint32_t version;
	uint32_t size; /* of this struct */
	int32_t control_fd;
	int32_t shared_fd; /* memfd of struct bsp_shared_core per core */
	int32_t object_fd; /* the shared object; -1: the built-in BSP */
	uint32_t core_count;
	uint32_t file_count;
	uint32_t lockdown;    /* enum bsp_lockdown */
	uint64_t deadline_ns; /* from the event, or the start of a hook */
	uint64_t
		main_cores[BSP_CORES_MAX / 64]; /* where the main thread runs; all zero: anywhere */
	char object[BSP_PATH_MAX];              /* its path, for messages */
	struct bsp_launch_file files[BSP_FILES_MAX];
};

/* core_count of these follow struct bsp_launch. */
struct bsp_launch_core {
	uint32_t core;    /* host core */
	uint32_t role;    /* enum bsp_role */
	int32_t alarm_fd; /* eventfd */
	char partition[BSP_NAME_MAX];
};

enum bsp_core_state {
	BSP_CORE_IDLE,     /* bsp_init has not been called */
	BSP_CORE_INIT,     /* in bsp_init */
	BSP_CORE_READY,    /* bsp_init has succeeded */
	BSP_CORE_FATAL,    /* in bsp_fatal_error */
	BSP_CORE_HALTED,   /* bsp_fatal_error has ended as it should */
	BSP_CORE_RETURNED, /* ... as it should not */
	BSP_CORE_FAILED,   /* bsp_init has failed */
};

/*
 * One per core, in shared_fd, in the order of the launch block. Written by the BSP's process;
 * event_ns also by the supervisor, before it writes the eventfd. CLOCK_MONOTONIC, ns; 0: not yet.
 */
struct bsp_shared_core {
	_Atomic uint32_t state;
	uint32_t reserved;
	_Atomic uint64_t event_ns;
	_Atomic uint64_t entered_ns; /* bsp_fatal_error was called */
	_Atomic uint64_t ended_ns;   /* it has halted or returned */
	uint8_t pad[32];
};
_Static_assert(sizeof(struct bsp_shared_core) == 64, "a cache line of its own");

/*
 * What is written to a core's eventfd: the time of the event (CLOCK_MONOTONIC, ns), by the vCPU's
 * thread that met it; or a small number, by who knows no better: then event_ns of the shared page
 * counts, or the time at which the core's thread wakes up. Writes add up, which is why numbers
 * below BSP_ALARM_TIME_MIN are no times.
 */
#define BSP_ALARM          1
#define BSP_ALARM_TIME_MIN 1000000

enum bsp_message {
	/* From the supervisor. */
	BSP_MSG_INIT =
		1,     /* struct bsp_message_core: call bsp_init there; answered by BSP_MSG_DONE */
	BSP_MSG_STATE, /* struct bsp_message_state */
	BSP_MSG_SHUTDOWN, /* the run has ended: shut down and exit */
	/* From the BSP's process. */
	BSP_MSG_READY =
		16, /* threads are there. Then text: what the host did not permit, a line each */
	BSP_MSG_FAILED,  /* cannot be used: struct bsp_message_failed, then text */
	BSP_MSG_DONE,    /* struct bsp_message_done, then text */
	BSP_MSG_LOG,     /* struct bsp_message_core, then text */
	BSP_MSG_LEFT,    /* struct bsp_message_core: bsp_fatal_error has halted or returned */
	BSP_MSG_CRASHED, /* struct bsp_message_crashed: its last; the exit status is 128 + signal */
};

#define BSP_MESSAGE_NO_CORE UINT32_MAX

struct bsp_message_core {
	uint32_t index; /* in the launch block */
};

struct bsp_message_failed {
	uint32_t host; /* 1: this host cannot; 0: the BSP is not one */
};

struct bsp_message_done {
	uint32_t index;
	uint32_t ok;
	uint64_t start_ns; /* CLOCK_MONOTONIC */
	uint64_t end_ns;
};

/* Process 1 of a pid namespace cannot be killed by a signal of its own: it says which it was. */
struct bsp_message_crashed {
	uint32_t index; /* or BSP_MESSAGE_NO_CORE */
	uint32_t signal;
};

struct bsp_message_state {
	uint32_t state; /* enum bsp_partition_state */
	char partition[BSP_NAME_MAX];
};

#endif
