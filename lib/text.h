/* SPDX-License-Identifier: BSD-3-Clause */
/* Text of somebody whom nobody trusts, made safe to print. */
#ifndef LIB_TEXT_H
#define LIB_TEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * In the report of how a partition died: a line that starts so comes before the lines that the
 * guest has said last, each after four blanks; no others follow.
 */
#define REPORT_CONSOLE_TITLE "  last on "

/*
 * The SIZE bytes at BYTES as one line of text into RET_LINE, which has room for SIZE + 1. UTF-8
 * passes, but for controls and what turns the direction of writing; each byte of all else becomes a
 * question mark. Line ends and NULs at the end are left out. What comes out is UTF-8.
 */
void text_sanitise_line(const uint8_t *bytes, size_t size, char *ret_line);

#endif
