/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looks for what a suite expects in what consoles say, byte by byte as it comes, in bounded memory:
 * patterns are matched within a line, of which the last MATCH_LINE_MAX bytes are kept. One thread.
 */
#ifndef SUITE_MATCH_H
#define SUITE_MATCH_H

#include "suite/suite.h"

#include <regex.h>

/* Room for a piece of text in a message. */
#define EXCERPT_ROOM 160

/* A longer line is looked at in pieces that overlap by half of this. */
#define MATCH_LINE_MAX 4096

/* What is kept of a console for reports. */
#define MATCH_TAIL_MAX 2048

struct match_port {
	const char *partition;
	char port[PLAN_PORT_NAME_MAX]; /* its label */
	char line[MATCH_LINE_MAX + 1];
	size_t size;
	size_t from;               /* in the line: steps are looked for behind what has matched */
	bool cut;                  /* the line's start is not the start of the guest's line */
	uint64_t total;            /* bytes that came */
	char tail[MATCH_TAIL_MAX]; /* the latest bytes, a ring */
};

struct matcher {
	const struct suite_expect *expect;
	bool panics; /* those of known kernels end the case */
	regex_t *steps, *forbids, *skips, *contains;
	bool *contained; /* those that have shown */
	unsigned step;   /* the next; step_count: all have matched */
	unsigned shown;  /* how often that one has */
	/* A step has matched on PORT, or is one that only sends (PORT is the last that matched). */
	void (*matched)(void *ctx, const struct suite_step *step, const struct match_port *port);
	void *ctx;
	const struct match_port *last;
	/* The first that must not be: its place, or "panic", and the line; empty: none. */
	char forbidden[EXCERPT_ROOM];
	char forbidden_line[EXCERPT_ROOM];
	bool panicked;
	char skip_line[EXCERPT_ROOM]; /* the first that shows that this host cannot; empty: none */
};

/* Takes expect, panics, matched and ctx from *M. 0, -EINVAL for a wrong expression, -ENOMEM. */
int matcher_init(struct matcher *m);
void matcher_fini(struct matcher *m);

/* The guest runs: steps that only send may be first. FIRST is where they send to. */
void matcher_start(struct matcher *m, const struct match_port *first);

/* Takes SIZE bytes that PORT has said. */
void matcher_feed(struct matcher *m, struct match_port *port, const char *bytes, size_t size);

/* The same without looking for anything: for the tail alone. */
void match_port_note(struct match_port *port, const char *bytes, size_t size);

/* No more will come of PORT: its unfinished line is one. */
void matcher_finish(struct matcher *m, struct match_port *port);

/* What STEP waits for, for messages: its name, or "text", or /regex/. */
const char *step_text(const struct suite_step *step, char buf[EXCERPT_ROOM]);

/* Looks for P in a TEXT of lines, whatever says it. True with the line, made safe to print. */
bool match_text(const struct suite_pattern *p, const char *text, char ret_line[EXCERPT_ROOM]);

/* What SIGN is looked for by, for messages: "text" or /regex/. */
const char *sign_text(const struct suite_sign *sign, char buf[EXCERPT_ROOM]);

/* The latest lines of PORT, made safe to print, at most LINES of them; the caller's; NULL: none. */
char *match_port_tail(const struct match_port *port, unsigned lines);

#endif
