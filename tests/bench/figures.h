/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `make bench` measures of which systems, what is to be reached, and its two results: a table
 * and a list in JSON, both of medians.
 */
#ifndef TESTS_BENCH_FIGURES_H
#define TESTS_BENCH_FIGURES_H

#include <stdbool.h>

#define RUNS_MAX 201

enum { BULKHEAD, FLOOR, MICROVM, PC, SYSTEMS };

enum {
	START,
	START_UNLOCKED,
	START_STOP,
	PORT_EXIT,
	MEMORY,
	EXITS_IDLE,
	EXITS_COMPUTE,
	DOORBELL,
	CASES, /* tests/bench/cases' */
	RIG,   /* from here on: the emulated machine's */
	BLK_READ_4K_1 = RIG,
	BLK_READ_4K_16,
	BLK_READ,
	BLK_WRITE,
	NET_SEND,
	NET_RECEIVE,
	NET_ROUND_TRIP,
	NET_SEND_VHOST,
	NET_RECEIVE_VHOST,
	NET_ROUND_TRIP_VHOST,
	FIGURES
};

extern const char *const system_keys[SYSTEMS]; /* in files */
extern const char *const system_titles[SYSTEMS];

struct samples {
	double values[FIGURES][SYSTEMS][RUNS_MAX];
	unsigned counts[FIGURES][SYSTEMS];
};

/* Up to RUNS_MAX of each; more are dropped. */
void samples_add(struct samples *s, int figure, int system, double value);

/* NAN without samples. */
double samples_median(struct samples *s, int figure, int system);

/* Forgets all of SYSTEM. */
void samples_drop(struct samples *s, int system);

/*
 * Adds what a script took: lines `FIGURE SYSTEM VALUE` of OUT/tests/bench/NAME.samples, OUT being
 * the build folder. False: there is nothing.
 */
bool samples_read(struct samples *s, const char *out, const char *name);

/* Figures FIRST up to END, and how they compare with those of PEERS, two of the systems. */
void samples_print(struct samples *s, int first, int end, const int peers[2]);

/* Writes OUT/bench.json. 0, or -1, which has been told. */
int samples_write(struct samples *s, const char *out);

#endif
