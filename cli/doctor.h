/* SPDX-License-Identifier: BSD-3-Clause */
/* What `bulkhead doctor` looks at, apart from how it prints it. Single-threaded. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "lib/util.h"
#include "partition/probe.h"
#include "plan/plan.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

enum feature_state {
	FEATURE_OK,
	FEATURE_WARNING, /* partitions run, but something is slower, shared or not there */
	FEATURE_MISSING, /* partitions, or the partitions that need it, do not run */
};

struct feature {
	char name[48];
	enum feature_state state;
	char found[320]; /* what there is */
	const char *why; /* why it matters; static */
	char fix[320];   /* what to do; empty when nothing */
};

#define FEATURES_MAX 96

struct features {
	struct feature items[FEATURES_MAX];
	unsigned count;
};

/* The host as found by whoever calls; tests give their own. */
struct doctor_host {
	const char *root; /* stands before /proc, /sys, /etc; "" is the real host */
	const struct host_kvm_report *kvm;
	const char *user; /* who runs this */
	enum plan_arch arch;
	const char *kernel_log; /* what dmesg prints; NULL: it cannot be read */
	/* Of HOST_KVM_DEVICE, if it is there. */
	mode_t device_mode;
	gid_t device_group;
	int io_uring_error; /* errno of io_uring_setup(2); 0 */
};

/* Adds a feature and returns it, for its FOUND and FIX to be written. Past the end: the last one.
 */
struct feature *feature_add(
	struct features *f, enum feature_state state, const char *name, const char *why);
void feature_found(struct feature *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
void feature_fix(struct feature *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *feature_state_name(enum feature_state state);

/* /dev/kvm, its capabilities, and what its guests can do. */
void doctor_check_kvm(const struct doctor_host *host, struct features *f);

/* Part of it: how KVM on arm64 shares the processor with the kernel. */
void doctor_check_el2(const struct doctor_host *host, struct features *f);

/* Cores, memory, limits, I/O. */
void doctor_check_resources(const struct doctor_host *host, struct features *f);

/* One sentence: can unmodified kernels run here, and if not, why not. */
#define VERDICT_MAX 2048
void doctor_verdict(
	const struct host_kvm_report *kvm, const struct features *f, char verdict[VERDICT_MAX]);

/* ---- reading the host below its root ---- */

/* First line of PATH; false, and an empty BUF, when it cannot be read. */
bool host_read(const struct doctor_host *host, const char *path, char *buf, size_t size);
bool host_has(const struct doctor_host *host, const char *path);
/* The rest of the first line of PATH that starts with KEY, without leading blanks; false if none.
 */
bool host_find_line(
	const struct doctor_host *host, const char *path, const char *key, char *buf, size_t size);
/* True when WORD stands in TEXT between separators: blanks, commas, colons or the ends. */
bool has_word(const char *text, const char *word);

#endif
