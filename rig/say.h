/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rig itself has to tell, beside what goes on in the emulated machine. */
#ifndef RIG_SAY_H
#define RIG_SAY_H

#include "lib/util.h"

/* A line on standard error, "bulkhead rig: TEXT". */
void rig_say(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
