/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process that runs a BSP, between its files: what is loaded, and a thread per core. One
 * struct host per process, made in main() before the first thread and constant from then on, but
 * for what is marked.
 */
#ifndef BSP_HOST_H
#define BSP_HOST_H

#include "bsp/protocol.h"
#include "include/bsp.h"
#include "lib/diag.h"
#include "lib/util.h"

#include <pthread.h>
#include <stdarg.h>
#include <ucontext.h>

/* Above what the partitions of the run do on a core, below the kernel's own threads. */
#define CORE_PRIORITY 90
#define CORE_NICE     (-20)

struct host;

struct core {
	struct host *host;
	uint32_t index;
	const struct bsp_launch_core *launch;
	struct bsp_shared_core *shared;
	int init_fd; /* eventfd: the main thread wants bsp_init called */
	pthread_t thread;
	/* The rest is the core's thread's own. */
	struct bsp_context context;
	uint64_t start_ns;         /* of bsp_init */
	char reason[BSP_TEXT_MAX]; /* why bsp_init fails, as the BSP says */
};

struct host {
	struct bsp_launch launch;
	struct bsp_launch_core *launch_cores;
	struct core *cores;
	struct bsp_context context;    /* of the main thread */
	struct bulkhead_bsp bsp;       /* the hooks, whatever they come from */
	void *object;                  /* of dlopen; NULL: built in */
	_Atomic uint32_t ready;        /* cores whose bsp_init has succeeded */
	_Atomic uint32_t initialising; /* 1 while some core is in bsp_init */
};

/* ---- load.c ---- */

/*
 * Loads what the launch block names, or takes the built-in BSP, into host->bsp. 0, or -EINVAL with
 * "cause; remedy" in RET_TEXT. Runs the constructors of the shared object.
 */
int host_load(struct host *host, char ret_text[BSP_TEXT_MAX]);

extern const struct bulkhead_bsp builtin_bsp;

/* ---- lockdown.c: what cannot be applied is noted in GAPS, see lib/sandbox.h ---- */

/* With the BSP loaded, every descriptor open and one thread. Takes PR_SET_PDEATHSIG away. */
void host_lockdown_early(const struct host *host, struct diags *gaps);

/* When all threads are there: no more of them, and system calls. */
void host_lockdown_late(const struct host *host, struct diags *gaps);

/* ---- core.c ---- */

/* The functions of a context that is for CORE and PARTITION. */
void context_init(struct bsp_context *ctx, uint32_t core, uint32_t role, const char *partition);

/*
 * Makes the thread of each core, which has the scheduling policy of the caller. 0, or a negative
 * errno with "cause; remedy" in RET_TEXT.
 */
int cores_start(struct host *host, char ret_text[BSP_TEXT_MAX]);

/* Has CORE's thread call bsp_init. 0; -EBUSY while some core is in it, or it has been called. */
int core_init(struct core *core);

/* True once some core has entered bsp_fatal_error. */
bool cores_any_fatal(const struct host *host);

/* The core whose thread this is; NULL on the main thread. */
struct core *core_current(void);

/* The end of the calling core's thread: after bsp_fatal_error; in bsp_init it is a failure. */
_Noreturn void core_halt(struct core *core, const char *how);

/* A line of the log, of CORE's thread or (NULL) of the main thread. */
void host_log(const struct core *core, const char *fmt, ...) PRINTF_LIKE(2, 3);
void host_vlog(const struct core *core, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

/* Sends a message of the given type: SIZE bytes of HEAD, then text. Any thread. */
void host_send(uint16_t type, const void *head, size_t size, const char *text);

/* The one host of the process, for signal handlers and functions without a context. */
extern struct host *the_host;

/* ---- privileged.c of the architecture ---- */

/* True when a signal with this code is what a process gets for a privileged instruction. */
bool arch_is_privileged(int signal_number, int code);

/* What such an instruction means in a process. */
enum privileged { PRIVILEGED_NONE, PRIVILEGED_HALT, PRIVILEGED_SKIP };

/* The instruction that the context U was interrupted at; PRIVILEGED_SKIP has stepped over it. */
enum privileged arch_privileged(ucontext_t *u);

/* Its address. */
const uint8_t *arch_pc(const ucontext_t *u);

/* How many of its bytes tell which it is. */
extern const unsigned arch_privileged_bytes;

#endif
