/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs cases, each as a `bulkhead run` of its own: as many at a time as cores and memory allow, one
 * event loop for all. A case that hangs is ended by its deadline, with everything it has started.
 */
#ifndef SUITE_RUNNER_H
#define SUITE_RUNNER_H

#include "suite/suite.h"

#include <sched.h>

enum suite_verdict {
	SUITE_NOT_RUN, /* interrupted, or another case failed with fail_fast */
	SUITE_PASS,
	SUITE_FAIL,
	SUITE_SKIP, /* this host cannot */
};

/*
 * Why a case did not pass, as a word for machines:
 *   plan           it could not be started as it is written
 *   host           this host cannot run it (skipped, but for require_kvm)
 *   needs          the case asks for something that the host has not (skipped)
 *   timeout        the deadline passed; the text says what the guest was doing
 *   milestone      an expected output came too late
 *   forbidden      it said what it must not
 *   panic          it said that it panics
 *   output         it said too much
 *   missing-output it ended without what it had to say
 *   exit-code      it ended with another code
 *   fatal          a fatal error that was not expected
 *   no-fatal       none, but one was expected
 *   exits          too many exits
 *   heartbeat      a heartbeat came too late, or none came
 *   crash          `bulkhead run` itself died
 */
#define SUITE_CAUSE_MAX 16

struct suite_result {
	enum suite_verdict verdict;
	char cause[SUITE_CAUSE_MAX];
	char *text; /* the cause in words; NULL when it passed */
	unsigned attempts;
	char *flaky;        /* passed at last: why the first attempt failed */
	uint64_t start_ns;  /* after the start of all */
	uint64_t ns;        /* of the last attempt */
	int exit_code;      /* of the run; -1: there is none */
	int64_t guest_code; /* -1: none */
	char *tail;         /* what consoles said last; NULL: nothing */
	char *messages;     /* what bulkhead said; NULL: nothing */
	char *report;       /* of a fatal error: registers and the like; NULL: none */
	char *artifacts;    /* the folder; NULL: none */
};

struct suite_entry {
	const struct suite *suite;
	const struct suite_case *test;
	struct suite_result result;
};

/* What this host has, as the caller has found out. */
struct suite_host {
	const char *no_kvm;      /* why nothing can run; NULL: it can */
	const char *no_full_kvm; /* why unmodified kernels cannot; NULL: they can */
	bool features[SUITE_FEATURE_COUNT];
	enum plan_arch arch;
	bool (*is_linux)(const char *path); /* whether an image is an unmodified kernel */
};

struct suite_runner_options {
	struct suite_entry *entries;
	unsigned count;
	unsigned jobs;  /* cases at a time; 0: as many as there are cores */
	unsigned retry; /* times that a failed case is run again */
	bool fail_fast;
	bool require_kvm;      /* what this host's KVM cannot run fails */
	const char *artifacts; /* folder; NULL: none are kept */
	bool cores;            /* an ELF core of each partition of a failed case is among them */
	char *const *repeat; /* the command that has started this, for repeat.sh; NULL-terminated */
	struct suite_host host;
	/* A case starts; one is over. May be NULL. */
	void (*started)(void *ctx, const struct suite_entry *e);
	void (*finished)(void *ctx, const struct suite_entry *e);
	void (*tick)(void *ctx); /* about once a second, for a live line */
	void *ctx;
};

/* Why HOST's KVM cannot run C, or NULL. */
const char *suite_kvm_lacks(const struct suite_host *host, const struct suite_case *c);

/* Runs all. 0, with *RET_INTERRUPTED when a signal ended it, everything being stopped; or what the
 * event loop or the artifacts' folder said, negative. */
int suite_run(const struct suite_runner_options *options, bool *ret_interrupted);

void suite_result_fini(struct suite_result *r);

/* "passed", "failed", "skipped", "not-run". */
const char *suite_verdict_name(enum suite_verdict v);

#endif
