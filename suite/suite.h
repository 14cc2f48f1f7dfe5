/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A suite: guests to run and what must come of each, from YAML, validated, its matrices expanded.
 * The keys are tables (suite/schema.c) of the same make as a plan's, and mistakes are told the same
 * way. A case's partitions are a plan, complete and validated when the suite has been read.
 */
#ifndef SUITE_SUITE_H
#define SUITE_SUITE_H

#include "plan/plan.h"

/* Cases of one suite, its matrices expanded. */
#define SUITE_CASES_MAX 4096

#define SUITE_STEPS_MAX    256
#define SUITE_FORBID_MAX   64
#define SUITE_TIMES_MAX    1000000
#define SUITE_VARS_MAX     64
#define SUITE_FEATURES_MAX 16
#define SUITE_SET_MAX      64
#define SUITE_NAME_MAX     128

/* What a host has or has not. */
enum suite_feature {
	SUITE_FULL_KVM, /* unmodified kernels run */
	SUITE_NESTED,
	SUITE_ROOT,
	SUITE_TUN,
	SUITE_VHOST_NET,
	SUITE_VHOST_VSOCK,
	SUITE_FEATURE_COUNT,
};

/* Something that a console may show: one of text and regex, or neither. */
struct suite_pattern {
	char *text;      /* as it is */
	char *regex;     /* POSIX extended */
	char *partition; /* NULL: any */
	char *port;      /* its label; NULL: any */
};

/* One after the other: a pattern is looked for behind the one before it. */
struct suite_step {
	struct suite_pattern pattern;
	char *name;         /* for messages; NULL: the pattern's text */
	char *send;         /* typed once the pattern has shown; NULL: nothing */
	bool enter;         /* ... and the Enter key after it */
	unsigned times;     /* that it has to show; without a pattern, that it is typed */
	uint64_t within_ns; /* after the guest's start; 0: the case's own deadline */
	struct diag_loc loc;
};

/* Looked for all the time. */
struct suite_sign {
	struct suite_pattern pattern;
	struct diag_loc loc;
};

struct suite_expect {
	unsigned exit_code; /* of the run */
	struct diag_loc exit_code_loc;
	unsigned guest_code;            /* of the partition that gives one */
	struct diag_loc guest_code_loc; /* without a file: any will do */
	char *fatal; /* POSIX extended, in what the fatal error is called; NULL: none may happen */
	struct diag_loc fatal_loc;
	bool panic;                    /* a panic of a known kernel is no failure */
	bool stop;                     /* the case is over when all steps have matched */
	unsigned max_exits;            /* per second, all partitions together; 0: any */
	uint64_t max_heartbeat_gap_ns; /* 0: any */
	uint64_t max_output;           /* bytes on one port */
	unsigned step_count;
	struct suite_step *steps;
	unsigned forbid_count;
	struct suite_sign *forbids;
	unsigned contain_count; /* what has to show in any order */
	struct suite_sign *contains;
	unsigned message_count; /* of bulkhead's own messages, in any order */
	struct suite_sign *messages;
	unsigned skip_count; /* signs that this host cannot */
	struct suite_sign *skips;
};

struct suite_need {
	enum suite_feature feature;
	struct diag_loc loc;
};

struct suite_needs {
	unsigned cores;  /* of the host; 0: as many as there are */
	uint64_t memory; /* bytes that are free; 0: what the partitions have */
	unsigned feature_count;
	struct suite_need *features;
	struct diag_loc features_loc; /* without a file: those that its images need */
};

struct suite_case {
	char *name; /* unique in its suite */
	struct diag_loc loc;
	uint64_t timeout_ns;
	uint64_t silence_ns; /* one that says nothing for so long is looked at */
	bool optional;       /* skipped where the host cannot, even if its KVM is required to */
	struct suite_expect expect;
	struct suite_needs needs;
	struct plan *plan;
};

struct suite {
	char *name;          /* of the file, without suffix, unless the suite says */
	char *path;          /* as given */
	uint64_t timeout_ns; /* of cases that do not say */
	unsigned case_count;
	struct suite_case *cases;
};

/* A value for the variable of that name of any suite. */
struct suite_variable {
	const char *name;
	const char *value;
	bool used; /* a suite has such a variable */
};

struct suite_options {
	enum plan_arch arch; /* of plans that do not say */
	uint64_t timeout_ns; /* of every case; 0: as the suite says */
	uint64_t silence_ns; /* likewise */
	unsigned variable_count;
	struct suite_variable *variables;
	/* Of suite_from_image: */
	const char *machine; /* NULL: standard */
	const char *cmdline; /* NULL: none */
};

/*
 * Reads PATH ("-": standard input) and the plans that it names. 0 and *RET_SUITE, or -EINVAL with
 * every error in DIAGS. Asks the host nothing and looks at no image.
 */
int suite_load(const char *path, const struct suite_options *options, struct diags *diags,
	struct suite **ret_suite);

/* The same from text; NAME stands for the path in messages, DIR (NULL: the working directory) is
 * what relative paths start from. */
struct suite_text {
	const char *name;
	const char *dir;
	const char *text;
	size_t size;
};
int suite_load_text(const struct suite_text *text, const struct suite_options *options,
	struct diags *diags, struct suite **ret_suite);

/*
 * A suite of one case: the image at PATH in a partition of one vCPU, which has to end with exit
 * code 0. The same returns.
 */
int suite_from_image(const char *path, const struct suite_options *options, struct diags *diags,
	struct suite **ret_suite);

/* Legal for NULL. */
void suite_destroy(struct suite *suite);

/* "full-kvm". */
const char *suite_feature_name(enum suite_feature feature);

/* Generated documents: the key reference (Markdown) and the JSON Schema (draft 2020-12). */
void suite_print_reference(FILE *f);
void suite_print_schema(FILE *f);

#endif
