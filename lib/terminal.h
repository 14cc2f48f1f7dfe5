/* SPDX-License-Identifier: BSD-3-Clause */
/* The terminal, or what takes its place, that a program was started on. */
#ifndef LIB_TERMINAL_H
#define LIB_TERMINAL_H

#include <stdbool.h>

/* Whether standard input is a terminal, and not one that somebody else is in the foreground of. */
bool terminal_is_ours(void);

/*
 * A descriptor for FD's file that does not block, and whose flags are not shared with whoever gave
 * us FD; or a copy of FD where that cannot be had. FLAGS: O_WRONLY or O_RDONLY. Negative errno.
 */
int open_console(int fd, int flags);

#endif
