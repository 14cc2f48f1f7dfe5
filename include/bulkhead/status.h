/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The status page: one read-only page in which a safety partition finds the state of every
 * partition of its run, its own included. For guests and for Bulkhead itself; freestanding, C11,
 * little-endian.
 *
 * The page changes while it is read. `sequence` is odd while it is being written and differs after
 * each write: whoever reads more than one field reads them between two equal, even values of it, as
 * bulkhead_status_read does. `updates` counts the changes that matter (a state, an end, a restart,
 * the run's state, the safe state); an interrupt, where the plan gives one, follows each.
 * Heartbeats and their ages are written anew several times a second without counting as a change.
 */
#ifndef BULKHEAD_STATUS_H
#define BULKHEAD_STATUS_H

#include <stdint.h>

#define BULKHEAD_STATUS_SIZE        4096
#define BULKHEAD_STATUS_MAGIC       0x54534B42 /* "BKST" in the order of bytes */
#define BULKHEAD_STATUS_VERSION     1
#define BULKHEAD_STATUS_NAME_MAX    32 /* bytes of a name, the NUL included; a longer one is cut */
#define BULKHEAD_STATUS_ENTRIES_MAX 63 /* partitions of a run beyond them have no entry */

/* run_state */
enum bulkhead_run_state {
	BULKHEAD_RUN_INIT = 0,
	BULKHEAD_RUN_OPERATIONAL = 1,
	BULKHEAD_RUN_TERMINATION = 2,
};

/* state of an entry */
enum bulkhead_partition_state {
	BULKHEAD_PARTITION_CREATED = 0, /* has not run yet, or is being restarted */
	BULKHEAD_PARTITION_RUNNING = 1,
	BULKHEAD_PARTITION_PAUSED = 2,
	BULKHEAD_PARTITION_STOPPED = 3, /* ended without a fatal error */
	BULKHEAD_PARTITION_FAILED = 4,  /* ended with one; runs no more */
	BULKHEAD_PARTITION_PARKED = 5,  /* a vCPU met one and is parked; others may run */
};

/* end of an entry: how its guest ended last, also when it was restarted since */
enum bulkhead_partition_end {
	BULKHEAD_END_NONE = 0, /* never */
	BULKHEAD_END_POWER_OFF = 1,
	BULKHEAD_END_RESET = 2,
	BULKHEAD_END_EXIT_CODE = 3, /* see code */
	BULKHEAD_END_STOPPED = 4,   /* by Bulkhead, because somebody asked for it */
	BULKHEAD_END_PANIC = 5,     /* the guest's kernel told of its panic (pvpanic) */
	/* Fatal errors. */
	BULKHEAD_END_TRIPLE_FAULT = 16,
	BULKHEAD_END_INTERNAL_ERROR = 17, /* KVM could not go on */
	BULKHEAD_END_FAIL_ENTRY = 18,     /* the processor refused the guest's state */
	BULKHEAD_END_UNKNOWN_EXIT = 19,
	BULKHEAD_END_MONITOR_ERROR = 20,
	BULKHEAD_END_VIOLATION = 21, /* an access outside the partition, where that is fatal */
	BULKHEAD_END_WATCHDOG = 22,  /* a heartbeat was missed */
	BULKHEAD_END_CRASHED = 23,   /* the partition's process died */
};

/* beat_age_us of a partition that has never beaten. */
#define BULKHEAD_STATUS_NO_BEAT UINT64_MAX

struct bulkhead_status_entry {
	char name[BULKHEAD_STATUS_NAME_MAX]; /* NUL-terminated */
	uint32_t state;                      /* enum bulkhead_partition_state */
	uint32_t end;                        /* enum bulkhead_partition_end */
	uint32_t code;                       /* BULKHEAD_END_EXIT_CODE: the exit code */
	uint32_t restarts;                   /* how often it was started again */
	uint64_t beats;                      /* heartbeats since it started last */
	uint64_t beat_age_us; /* from the last heartbeat to the writing of the page */
};

struct bulkhead_status {
	uint32_t magic;      /* BULKHEAD_STATUS_MAGIC */
	uint32_t version;    /* BULKHEAD_STATUS_VERSION */
	uint32_t sequence;   /* odd while the page is being written */
	uint32_t entry_size; /* sizeof(struct bulkhead_status_entry) */
	uint32_t count;      /* entries that are there */
	uint32_t own;        /* index of the reader's own entry */
	uint32_t run_state;  /* enum bulkhead_run_state */
	uint32_t safe_state; /* 1: the run is in its safe state, or on the way there */
	uint64_t updates;    /* changes so far */
	uint8_t reserved[24];
	struct bulkhead_status_entry entries[BULKHEAD_STATUS_ENTRIES_MAX];
};

_Static_assert(sizeof(struct bulkhead_status_entry) == 64, "entry layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status_entry, state) == 32, "entry layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status_entry, end) == 36, "entry layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status_entry, code) == 40, "entry layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status_entry, restarts) == 44, "entry layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status_entry, beats) == 48, "entry layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status_entry, beat_age_us) == 56, "entry layout");
_Static_assert(sizeof(struct bulkhead_status) == BULKHEAD_STATUS_SIZE, "page layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status, sequence) == 8, "page layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status, entry_size) == 12, "page layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status, count) == 16, "page layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status, own) == 20, "page layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status, run_state) == 24, "page layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status, safe_state) == 28, "page layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status, updates) == 32, "page layout");
_Static_assert(__builtin_offsetof(struct bulkhead_status, entries) == 64, "page layout");

/* 8 bytes of the page, whatever fields they hold. */
typedef uint64_t __attribute__((may_alias)) bulkhead_status_word;

/*
 * Copies PAGE into COPY as it was at one moment, as far as there are entries. 1, or 0 when the page
 * was being written each of TRIES times: then try again later.
 */
static inline int bulkhead_status_read(
	const volatile struct bulkhead_status *page, struct bulkhead_status *copy, unsigned tries)
{
	const volatile bulkhead_status_word *from = (const volatile void *)page;
	bulkhead_status_word *to = (void *)copy;
	uint32_t before, count, i;

	while (tries--) {
		before = page->sequence;
		/* The fields are read after the first sequence, and before the second. */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		count = page->count;
		if (count > BULKHEAD_STATUS_ENTRIES_MAX)
			count = BULKHEAD_STATUS_ENTRIES_MAX;
		for (i = 0; i < (count + 1) * sizeof(copy->entries[0]) / sizeof(*to); i++)
			to[i] = from[i];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(before & 1) && page->sequence == before)
			return 1;
	}
	return 0;
}

#endif
