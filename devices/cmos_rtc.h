/* SPDX-License-Identifier: BSD-3-Clause */
/* A PC's real-time clock and CMOS memory, ports 0x70 and 0x71. */
#ifndef DEVICES_CMOS_RTC_H
#define DEVICES_CMOS_RTC_H

#include "vmm/machine.h"

#include <time.h>

struct cmos_rtc_config {
	/* What time it is, UTC, from any thread; NULL: the host's CLOCK_REALTIME. */
	void (*now)(void *ctx, struct timespec *ret_now);
	void *ctx;
};

/* The memory sizes come from M's RAM. 0, or the errors of machine_add_device and _window. */
int cmos_rtc_create(struct machine *m, const struct cmos_rtc_config *cfg);

#endif
