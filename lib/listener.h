/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Takes connections from a listening socket, in an event loop. Where one cannot be taken, for want
 * of descriptors or memory, it waits a while before it tries again: the socket stays ready.
 */
#ifndef LIB_LISTENER_H
#define LIB_LISTENER_H

#include "lib/loop.h"

/* Embedded by its user; must stay in place until listener_fini. One without a loop is off. */
struct listener {
	struct loop *loop;
	struct loop_watch watch;
	struct loop_timer retry;
	/* FD, the connection, does not block, and is the callback's. It may pause the listener. */
	void (*came)(struct listener *l, int fd);
};

/*
 * Takes connections of FD, which stays the caller's and should not block, from now on. 0, or as
 * loop_timer_init and loop_watch.
 */
int listener_init(
	struct listener *l, struct loop *loop, int fd, void (*came)(struct listener *l, int fd));

/* Leaves connections waiting; legal when it takes none. */
void listener_pause(struct listener *l);

/* Takes them again. 0, or as loop_watch. */
int listener_resume(struct listener *l);

/* Legal on one that failed to init, was finished, or is all zeroes. */
void listener_fini(struct listener *l);

#endif
