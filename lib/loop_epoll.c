/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop on epoll. Regular files, which epoll refuses, are always ready: an armed one is kept in
 * a list of its own and reported by the next wait.
 */
#include "lib/loop_backend.h"
#include "lib/util.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#define EVENTS_MAX 16

struct ready_file {
	uint64_t tag;
	uint32_t events;
};

struct epoll_state {
	int fd;
	unsigned ready_count;
	struct ready_file ready[LOOP_WATCHES_MAX];
};

static int epoll_backend_create(void **ret_state)
{
	struct epoll_state *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->fd < 0) {
		free(s);
		return -errno;
	}
	*ret_state = s;
	return 0;
}

static void epoll_backend_destroy(void *state)
{
	struct epoll_state *s = state;

	close(s->fd);
	free(s);
}

static int epoll_arm(void *state, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_state *s = state;
	/* POLLIN, POLLOUT, POLLERR, POLLHUP have the values of their EPOLL twins. */
	struct epoll_event ev = {.events = events | EPOLLONESHOT, .data.u64 = tag};

	if (epoll_ctl(s->fd, EPOLL_CTL_ADD, fd, &ev) == 0)
		return 0;
	if (errno == EEXIST)
		return epoll_ctl(s->fd, EPOLL_CTL_MOD, fd, &ev) ? -errno : 0;
	if (errno != EPERM)
		return -errno;
	if (s->ready_count == LOOP_WATCHES_MAX)
		return -ENOSPC;
	s->ready[s->ready_count++] = (struct ready_file){.tag = tag, .events = events};
	return 0;
}

static void epoll_disarm(void *state, int fd, uint64_t tag)
{
	struct epoll_state *s = state;

	epoll_ctl(s->fd, EPOLL_CTL_DEL, fd, NULL);
	for (unsigned i = 0; i < s->ready_count; i++) {
		if (s->ready[i].tag == tag)
			s->ready[i--] = s->ready[--s->ready_count];
	}
}

static int epoll_backend_wait(void *state, struct loop_event *ret_events, unsigned max)
{
	struct epoll_state *s = state;
	struct epoll_event events[EVENTS_MAX];
	unsigned n = 0;
	int got;

	while (n < max && s->ready_count) {
		const struct ready_file *f = &s->ready[--s->ready_count];

		ret_events[n++] = (struct loop_event){.tag = f->tag, .revents = f->events};
	}
	if (n == max)
		return (int)n;
	got = epoll_wait(s->fd, events, (int)min_u64(EVENTS_MAX, max - n), n ? 0 : -1);
	if (got < 0)
		return n ? (int)n : -errno;
	for (int i = 0; i < got; i++) {
		ret_events[n].tag = events[i].data.u64;
		ret_events[n++].revents = events[i].events;
	}
	return (int)n;
}

const struct loop_backend loop_backend_epoll = {
	.name = "epoll",
	.create = epoll_backend_create,
	.destroy = epoll_backend_destroy,
	.arm = epoll_arm,
	.disarm = epoll_disarm,
	.wait = epoll_backend_wait,
};
