/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port's writes to the console that all partitions of the run share, so that lines stay whole:
 * struct console_line says whose line is unfinished, and who is writing. One thread each.
 */
#ifndef PARTITION_LINE_WRITER_H
#define PARTITION_LINE_WRITER_H

#include "partition/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct line_writer {
	struct console_line *line; /* NULL: a port that is not on the console */
	uint32_t owner;
	const char *prefix;
	bool mid_line;        /* what was written last was no newline */
	bool coloured;        /* there may be a colour in the line that was written last */
	uint64_t patience_ns; /* with others that write there */
};

/* How many bytes at a time FD takes without blocking once it polls writable. */
size_t line_write_max(int fd);

/* OWNER: of lines, from 1; PREFIX, of lines with one, outlives W. */
void line_writer_init(
	struct line_writer *w, struct console_line *line, uint32_t owner, const char *prefix);

/* Whether the console's last line is an unfinished one of W's. W has a line. */
bool line_is_ours(const struct line_writer *w);

/*
 * Writes SIZE bytes to FD as they are, where others may write as well or not. On the console,
 * whoever writes there next learns of an unfinished line; without taking the line, as the guest's
 * bytes alone decide what becomes of this terminal. Returns as write does.
 */
ssize_t line_write_alone(struct line_writer *w, int fd, const uint8_t *bytes, size_t size);

/*
 * Writes SIZE bytes of prefixed lines to FD, the console: an unfinished line of somebody else is
 * ended first, and one of ours that somebody ended goes on under its prefix again. Returns as write
 * does, for our bytes alone.
 */
ssize_t line_write_shared(struct line_writer *w, int fd, const uint8_t *bytes, size_t size);

#endif
