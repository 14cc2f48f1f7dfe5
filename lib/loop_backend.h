/* SPDX-License-Identifier: BSD-3-Clause */
/* What an event loop is made of inside: used by lib/loop*.c only. */
#ifndef LIB_LOOP_BACKEND_H
#define LIB_LOOP_BACKEND_H

#include "lib/loop.h"

struct loop_event {
	uint64_t tag;
	uint32_t revents;
};

struct loop_backend {
	const char *name;
	int (*create)(void **ret_state);
	void (*destroy)(void *state);
	/* Watches FD once; the event comes back with TAG. */
	int (*arm)(void *state, int fd, uint32_t events, uint64_t tag);
	/* Takes back what was armed with TAG; its event may still come. */
	void (*disarm)(void *state, int fd, uint64_t tag);
	/* Waits for events, then reports up to MAX of them. How many, or a negative errno. */
	int (*wait)(void *state, struct loop_event *ret_events, unsigned max);
};

extern const struct loop_backend loop_backend_uring;
extern const struct loop_backend loop_backend_epoll;

#endif
