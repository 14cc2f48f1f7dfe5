/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/listener.h"

#include "lib/util.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define RETRY_NS 100000000

static void listening_ready(struct loop_watch *w, uint32_t revents)
{
	struct listener *l = container_of(w, struct listener, watch);
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)revents;
	if (fd >= 0) {
		l->came(l, fd);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		loop_unwatch(l->loop, w);
		loop_timer_start(&l->retry, RETRY_NS);
	}
}

static void retry_expired(struct loop_timer *t)
{
	struct listener *l = container_of(t, struct listener, retry);

	if (listener_resume(l))
		loop_timer_start(t, RETRY_NS);
}

int listener_init(
	struct listener *l, struct loop *loop, int fd, void (*came)(struct listener *l, int fd))
{
	int ret;

	*l = (struct listener){.loop = loop,
		.watch = {.fd = fd, .slot = -1, .events = POLLIN, .ready = listening_ready},
		.came = came};
	ret = loop_timer_init(loop, &l->retry, retry_expired);
	return ret ? ret : listener_resume(l);
}

void listener_pause(struct listener *l)
{
	if (!l->loop)
		return;
	loop_timer_stop(&l->retry);
	loop_unwatch(l->loop, &l->watch);
}

int listener_resume(struct listener *l)
{
	return loop_watch(l->loop, &l->watch);
}

void listener_fini(struct listener *l)
{
	listener_pause(l);
	loop_timer_fini(&l->retry);
	l->loop = NULL;
}
