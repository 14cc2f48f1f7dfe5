/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/alarm.h"

#include "devices/pl031.h"
#include "lib/util.h"

#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void alarm_ready(struct loop_watch *w, uint32_t revents)
{
	uint64_t count;

	(void)revents;
	/* Nothing to read: the guest has set another one meanwhile. */
	if (read(w->fd, &count, sizeof(count)) == sizeof(count))
		rtc_alarm(container_of(w, struct alarm, watch)->machine);
}

int alarm_init(struct alarm *a, struct loop *loop, const struct machine *machine)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	*a = (struct alarm){
		.watch = {.fd = fd, .events = POLLIN, .ready = alarm_ready, .slot = -1},
		.machine = machine,
	};
	return loop_watch(loop, &a->watch);
}

void alarm_set(void *alarm, time_t at)
{
	const struct alarm *a = alarm;
	const struct itimerspec when = {.it_value.tv_sec = at};

	/* Cannot fail: the descriptor is a timer, and a time that is over is legal. */
	timerfd_settime(a->watch.fd, TFD_TIMER_ABSTIME, &when, NULL);
}
