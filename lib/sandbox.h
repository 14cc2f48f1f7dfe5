/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking away from a process what it does not need: namespaces, capabilities, limits, system calls.
 * Knows nothing of VMs. A process is locked down in three steps, of which each works without the
 * others:
 *
 *   sandbox_spawn   by the parent: the process is born into a pid namespace of its own
 *   sandbox_enter   by the process, once all it needs is open and while it has one thread
 *   sandbox_filter  by the process, once its threads are there: system calls
 *
 * What a host does not allow is no error but a gap: a warning in `gaps`, "what is not isolated:
 * why; what to do". The caller decides what to make of it. What a step could do it has done all the
 * same.
 */
#ifndef LIB_SANDBOX_H
#define LIB_SANDBOX_H

#include "lib/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- the parent's part ---- */

struct sandbox_spawn {
	const char *path; /* of the executable */
	char *const *argv;
	char *const *envp;
	const int *fds; /* descriptors inherited under their numbers; those that are -1 are none */
	unsigned fd_count;
	bool isolate; /* in a pid namespace, where the host allows it */
};

/*
 * Starts a process: standard input and output are /dev/null, standard error is the caller's.
 * Signals are blocked, so that none comes before the program has said what it means: it unblocks
 * them (sandbox_take_signals). None is handled; those that the caller ignores stay ignored.
 * Isolated, it is process 1 of a pid namespace; a parent without CAP_SYS_ADMIN makes a user
 * namespace for that, and the process keeps a few capabilities there, for sandbox_enter to use and
 * to drop. Where that cannot be had it starts without; sandbox_enter finds that out, and why.
 *
 * The pid is the parent's view of it. 0 with both set, *RET_PIDFD close-on-exec; or a negative
 * errno, and no process. Any thread; suspends the caller until the exec.
 */
int sandbox_spawn(const struct sandbox_spawn *s, pid_t *ret_pid, int *ret_pidfd);

/* ---- the process's own part ---- */

/* Unblocks all signals. */
void sandbox_take_signals(void);

struct sandbox_limit {
	int resource;   /* RLIMIT_CORE, ... */
	uint64_t value; /* soft and hard; a limit that is lower already stays */
};

#define SANDBOX_NAMESPACES 5 /* kinds of them */

/* The uid and gid that a process of root's takes: nobody's. Others keep theirs. */
#define SANDBOX_NOBODY 65534

/*
 * Takes away from the calling process, which must have one thread: the view of other processes
 * (said only, see sandbox_spawn), the file system (its root is empty and read-only), network,
 * System V IPC and POSIX message queues, root's uid, all capabilities and the way to gain any
 * (no_new_privs), and being dumped or traced. PR_SET_PDEATHSIG is lost: set it afterwards. Open
 * descriptors stay; nothing can be opened by name any more.
 */
void sandbox_enter(struct diags *gaps);

/*
 * The same in two steps, for a process that has other things done beside the second, which takes
 * long: root's uid and power over whatever is the host's are gone after the first; after it there
 * may be other threads. These keep what they have until they are gone, which must be before the
 * process looks at anything that could harm it.
 */
struct sandbox_entry {
	int sysctls;                    /* /proc/sys, for reasons: later it is out of reach */
	int errors[SANDBOX_NAMESPACES]; /* of those that it could not get, each an errno */
};

void sandbox_enter_user(struct sandbox_entry *ret_entry, struct diags *gaps);
void sandbox_enter_rest(struct sandbox_entry *entry, struct diags *gaps);

/*
 * The mild form, for a process that still starts others: takes away all capabilities but KEEP_CAPS,
 * from it and from all that it starts, and sets no_new_privs.
 */
void sandbox_reduce(uint64_t keep_caps, struct diags *gaps);

/* RLIMIT_NPROC counts threads, too: set it when they are there. */
void sandbox_limit(const struct sandbox_limit *limits, unsigned count, struct diags *gaps);

/* ---- system calls ---- */

/* A system call by name, whatever its arguments or with one argument that is VALUE under MASK. */
struct sandbox_rule {
	const char *call; /* names that this architecture does not have are skipped */
	bool conditional;
	uint8_t argument; /* from 0 */
	uint32_t mask;    /* of the lower 32 bits: the upper ones of an int are anything */
	uint32_t value;
};

#define SANDBOX_CALL(name)                                                                         \
	{                                                                                          \
		.call = (name)                                                                     \
	}
/* With argument ARG (an int or an unsigned int) equal to V. */
#define SANDBOX_CALL_IF(name, arg, v) SANDBOX_CALL_MASKED(name, arg, UINT32_MAX, v)
/* With argument ARG under M equal to V. */
#define SANDBOX_CALL_MASKED(name, arg, m, v)                                                       \
	{                                                                                          \
		.call = (name), .conditional = true, .argument = (arg), .mask = (m), .value = (v)  \
	}

enum sandbox_filter_kind {
	SANDBOX_ALLOW_LISTED, /* any other call kills the process with SIGSYS */
	SANDBOX_DENY_LISTED,  /* these calls fail with EPERM, all others do not */
};

struct sandbox_filter;

/*
 * An empty filter, to which sandbox_filter_add adds calls: 0; -ENOMEM; -EINVAL for a name or an
 * argument that is none; -ENOSPC for more than there can be. Rules for the same call must be all
 * conditional or a single one that is not.
 */
int sandbox_filter_create(enum sandbox_filter_kind kind, struct sandbox_filter **ret_filter);
int sandbox_filter_add(
	struct sandbox_filter *filter, const struct sandbox_rule *rules, size_t count);

/*
 * Applies the filter to all threads of the process, and to all processes that it starts;
 * needs no_new_privs, which it sets. Where the kernel has no filters that is a gap. Destroys
 * FILTER.
 */
void sandbox_filter_apply(struct sandbox_filter *filter, struct diags *gaps);

/* NULL is legal. */
void sandbox_filter_destroy(struct sandbox_filter *filter);

/*
 * Ends the making of a filter: applies it, or, when making it has failed with ERROR (a negative
 * errno), notes that as a gap. Destroys FILTER, which may be NULL then.
 */
void sandbox_filter_finish(struct sandbox_filter *filter, int error, struct diags *gaps);

#endif
