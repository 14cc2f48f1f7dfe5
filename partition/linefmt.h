/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Turns a guest's console output into prefixed lines that are safe to show beside other
 * partitions': no cursor movement, no terminal reports; colours pass. Pure; one thread.
 */
#ifndef PARTITION_LINEFMT_H
#define PARTITION_LINEFMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer run without a newline is broken: one write of a line stays atomic on a pipe. */
#define LINEFMT_LINE_MAX 2048

/* The longest sequence kept while it is not known yet whether it is a colour. */
#define LINEFMT_ESCAPE_MAX 24

struct linefmt {
	char prefix[64];   /* with its colours; printed at each line's start */
	unsigned column;   /* bytes in the current line; 0: at its start */
	bool skip_newline; /* a CR was shown as a newline: the LF after it is part of it */
	uint8_t escape[LINEFMT_ESCAPE_MAX];
	unsigned escape_size; /* bytes of an escape sequence seen so far */
};

/* LABEL is cut to what fits. COLOUR < 0: none; else the partition's index. */
void linefmt_init(struct linefmt *f, const char *label, int colour);

/* The most bytes that one input byte can become. */
#define LINEFMT_EXPANSION (64 + LINEFMT_ESCAPE_MAX + 8)

/* Formats one byte into OUT (LINEFMT_EXPANSION bytes of room); how many bytes that gave. */
size_t linefmt_byte(struct linefmt *f, uint8_t byte, uint8_t *out);

/* Somebody else wrote: the next byte starts a line of its own. */
void linefmt_restart(struct linefmt *f);

#endif
