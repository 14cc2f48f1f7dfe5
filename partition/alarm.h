/* SPDX-License-Identifier: BSD-3-Clause */
/* The alarm of a machine's real-time clock: a timer of the host's UTC, watched by the I/O thread.
 */
#ifndef PARTITION_ALARM_H
#define PARTITION_ALARM_H

#include "lib/loop.h"
#include "vmm/machine.h"

#include <time.h>

struct alarm {
	struct loop_watch watch;
	const struct machine *machine; /* borrowed */
};

/* 0 or a negative errno. MACHINE may have no devices yet. */
int alarm_init(struct alarm *a, struct loop *loop, const struct machine *machine);

/* For struct rtc_config, with a struct alarm as its context. Any thread. */
void alarm_set(void *alarm, time_t at);

#endif
