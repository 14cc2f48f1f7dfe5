/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The board support package (BSP) of a run: the user's own C code, a shared object that the plan
 * names (`bsp: board.so`). It says whether the platform may be used at all, before anything
 * starts, and takes it to its safe state when a fatal error has happened. docs/porting-a-bsp.md
 * is the guide; a BSP with ACRN's own two functions needs none of this (include/bsp_acrn.h).
 *
 * A BSP exports one symbol:
 *
 *     #include <bsp.h>
 *
 *     const struct bulkhead_bsp bulkhead_bsp = {
 *             .abi = BULKHEAD_BSP_ABI,
 *             .size = sizeof(bulkhead_bsp),
 *             .name = "my board",
 *             .init = my_init,
 *             .fatal_error = my_fatal_error,
 *     };
 *
 * Threads and cores. The BSP is loaded once per run, into a process of its own (bulkhead-bsp),
 * which has one thread for each host core that the plan gives to a partition, pinned to that core
 * and scheduled SCHED_FIFO where the host permits it, and one main thread on other cores. Statics
 * are shared by all of them. The process is locked down when the first hook is called: it can open
 * nothing, and has the files that the plan gives it (`bsp.files`) and what the BSP's constructors
 * have opened. Memory is locked where the host permits it.
 */
#ifndef BULKHEAD_BSP_H
#define BULKHEAD_BSP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever this file changes in a way that a built BSP would notice. */
#define BULKHEAD_BSP_ABI 1

/* bsp_context.core in hooks that belong to no core. */
#define BSP_NO_CORE UINT32_MAX

#define BSP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum bsp_role { BSP_NON_SAFETY, BSP_SAFETY };

enum bsp_partition_state {
	BSP_PARTITION_CREATED, /* built, has not run yet */
	BSP_PARTITION_RUNNING,
	BSP_PARTITION_PAUSED,
	BSP_PARTITION_STOPPED, /* has ended as wanted, or was stopped */
	BSP_PARTITION_FAILED,  /* has ended by a fatal error, or reported failure */
	BSP_PARTITION_PARKED,  /* a vCPU met a fatal error and runs no more */
};

/*
 * What a hook is told. It belongs to Bulkhead, stays valid for as long as the process lives, and
 * may be used in the hook it was given to, by the thread that runs the hook.
 */
struct bsp_context {
	uint32_t size;         /* of this structure, bytes */
	uint32_t core;         /* host core, as Linux numbers it; or BSP_NO_CORE */
	uint32_t role;         /* enum bsp_role: safety if the safety partition has this core */
	uint32_t reserved;     /* 0 */
	const char *partition; /* whose core it is: the safety partition's name first; or "" */
	uint64_t event_ns;    /* fatal_error: when the error was met; else 0. CLOCK_MONOTONIC, ns */
	uint64_t deadline_ns; /* the hook is to be done by then (CLOCK_MONOTONIC); 0: no limit */

	/*
	 * The descriptor of a file that the plan gives to the BSP (`bsp.files`), opened as the plan
	 * says. NAME is its path, as `bulkhead check --print` shows it, or the last part of that.
	 * -ENOENT when the plan gives no such file. Any hook, any thread.
	 */
	int (*file)(const struct bsp_context *ctx, const char *name);

	/*
	 * A line among the messages of the run, up to 512 bytes; without a newline at the end. Does
	 * not block: when nobody reads, the line is lost. Any hook, any thread.
	 */
	void (*log)(const struct bsp_context *ctx, const char *fmt, ...) BSP_PRINTF(2, 3);

	/*
	 * Why init fails, in one line: `return ctx->fail(ctx, "core %u is not isolated", core);`
	 * Returns -1. Only in init.
	 */
	int (*fail)(const struct bsp_context *ctx, const char *fmt, ...) BSP_PRINTF(2, 3);

	/*
	 * The platform is in its safe state, and this core's thread runs no more: how fatal_error
	 * ends. In init it is a failure. Only on the core's thread.
	 */
	__attribute__((noreturn)) void (*halt)(const struct bsp_context *ctx);
};

struct bulkhead_bsp {
	uint32_t abi;     /* BULKHEAD_BSP_ABI */
	uint32_t size;    /* sizeof(struct bulkhead_bsp) */
	const char *name; /* of the board, for messages; NULL: the file's name */

	/*
	 * Mandatory. May the platform be used? Called once for each host core of the plan, on that
	 * core's thread, one core after the other and never two at a time, when every partition is
	 * built and none has run. 0, or anything else when it may not (see ctx->fail): nothing is
	 * started then, and the exit code is 3. bsp.deadline is how long one call may take.
	 * May call: everything; it may allocate, block and use the files of the plan.
	 * Must not: end the process or its thread; leave a thread of its own on a core of the plan.
	 */
	int (*init)(const struct bsp_context *ctx);

	/*
	 * Mandatory. Takes the platform to its safe state. Called on the thread of the core that
	 * met the error, at most once per core, after init has succeeded on all cores; possibly on
	 * several cores at the same time, also while partition_state or shutdown runs. Must not
	 * return: it ends by ctx->halt within bsp.deadline. If it returns or stays longer, that is
	 * reported. The vCPU of the core has left its guest and never runs again, whatever happens
	 * here; the other partitions go on until the safe state of the plan has stopped them.
	 * May call: ctx->file, ctx->log, ctx->halt, write(2), ioctl(2), clock_gettime(2) and what
	 * else POSIX calls async-signal-safe, on files that are open.
	 * Must not: wait for a lock that another hook or core may hold, allocate memory, or do
	 * anything of unbounded time.
	 */
	void (*fatal_error)(const struct bsp_context *ctx);

	/*
	 * Optional (NULL): partition NAME is in another state. On the main thread, one call at a
	 * time, after init has succeeded on all cores; fatal_error may run at the same time. CTX
	 * has no core and no partition. May call everything; what blocks here delays later calls,
	 * but no fatal_error.
	 */
	void (*partition_state)(
		const struct bsp_context *ctx, const char *name, enum bsp_partition_state state);

	/*
	 * Optional (NULL): the run has ended, every partition is gone, the process ends after this.
	 * On the main thread. Not called when init has not succeeded on all cores, and not after a
	 * fatal error: then the platform stays in its safe state. It has bsp.deadline, too.
	 */
	void (*shutdown)(const struct bsp_context *ctx);
};

extern const struct bulkhead_bsp bulkhead_bsp;

#ifdef __cplusplus
}
#endif

#endif
