/* SPDX-License-Identifier: BSD-3-Clause */
/* What a real-time clock has of the host. */
#ifndef DEVICES_RTC_H
#define DEVICES_RTC_H

#include <time.h>

struct rtc_config {
	/* What time it is, UTC, from any thread; NULL: the host's CLOCK_REALTIME. */
	void (*now)(void *ctx, struct timespec *ret_now);
	/*
	 * The guest has set an alarm, in place of the one before: rtc_alarm is to be called when
	 * that clock comes to AT, in seconds. From any thread, under the device's lock; must not
	 * block. NULL: nobody will call.
	 */
	void (*alarm)(void *ctx, time_t at);
	void *ctx;
};

static inline struct timespec rtc_now(const struct rtc_config *cfg)
{
	struct timespec now;

	if (cfg->now)
		cfg->now(cfg->ctx, &now);
	else
		clock_gettime(CLOCK_REALTIME, &now);
	return now;
}

#endif
