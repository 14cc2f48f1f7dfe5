/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rig itself has to tell, beside what goes on in the emulated machine. */
#ifndef RIG_SAY_H
#define RIG_SAY_H

#include "lib/util.h"

#include <stdio.h>

/*
 * Whether F takes a line more: signals may be blocked, and nobody could end us while it does not.
 * Waits a second for it.
 */
bool rig_can_say(FILE *f);

/* A line on standard error, "bulkhead rig: TEXT"; none when nobody reads it. */
void rig_say(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
