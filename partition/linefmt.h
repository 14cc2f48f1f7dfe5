/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Turns a guest's console output into prefixed lines that are safe to show beside other
 * partitions', on a terminal for UTF-8: text passes, and colours, which end with their line. No
 * other control does: no cursor movement, no modes, no requests that a terminal answers. Pure; one
 * thread.
 */
#ifndef PARTITION_LINEFMT_H
#define PARTITION_LINEFMT_H

#include "partition/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer run without a newline, colours included, is broken. */
#define LINEFMT_LINE_MAX 2048

/* The longest sequence that sets colours; longer ones are not shown. */
#define LINEFMT_ESCAPE_MAX 48

/* What the bytes to come are part of. */
enum linefmt_state {
	LINEFMT_TEXT,
	LINEFMT_UTF8,   /* `held` has the first bytes of a character */
	LINEFMT_ESCAPE, /* ESC and intermediate bytes; `held_size` counts them */
	LINEFMT_CSI,    /* `held` has what may set colours; it is empty when it is known not to */
	LINEFMT_STRING, /* an operating system command and the like */
};

struct linefmt {
	char prefix[64];   /* with its colours; printed at each line's start */
	unsigned column;   /* bytes in the current line; 0: at its start */
	bool skip_newline; /* a CR was shown as a newline: the LF after it is part of it */
	bool coloured;     /* a colour passed in this line */
	enum linefmt_state state;
	uint8_t held[LINEFMT_ESCAPE_MAX];
	unsigned held_size;
};

/* LABEL is cut to what fits. COLOUR < 0: none; else the partition's index. */
void linefmt_init(struct linefmt *f, const char *label, int colour);

/* The most bytes that one input byte can become: a prefix, what was held, and two line ends. */
#define LINEFMT_EXPANSION (64 + LINEFMT_ESCAPE_MAX + 2 * sizeof(CONSOLE_RESET_COLOUR "\n"))

/* Formats one byte into OUT (LINEFMT_EXPANSION bytes of room); how many bytes that gave. */
size_t linefmt_byte(struct linefmt *f, uint8_t byte, uint8_t *out);

/* Ends an unfinished line, if there is one, into OUT like linefmt_byte. */
size_t linefmt_end(struct linefmt *f, uint8_t *out);

#endif
