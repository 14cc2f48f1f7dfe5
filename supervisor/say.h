/* SPDX-License-Identifier: BSD-3-Clause */
/* The supervisor's own messages: a stream that nobody's failure to read can block. */
#ifndef SUPERVISOR_SAY_H
#define SUPERVISOR_SAY_H

#include <stdio.h>

/*
 * A line-buffered stream to FD (owned from here on, and better non-blocking). When its reader takes
 * nothing for SAY_PATIENCE_MS, what is written from then on is dropped. NULL without memory.
 */
#define SAY_PATIENCE_MS 1000
FILE *say_open(int fd);

#endif
