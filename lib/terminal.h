/* SPDX-License-Identifier: BSD-3-Clause */
/* The terminal that a program was started on. */
#ifndef LIB_TERMINAL_H
#define LIB_TERMINAL_H

#include <stdbool.h>

/* Whether standard input is a terminal, and not one that somebody else is in the foreground of. */
bool terminal_is_ours(void);

#endif
