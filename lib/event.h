/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LIB_EVENT_H
#define LIB_EVENT_H

#include <stdbool.h>

/*
 * Takes what was signalled by FD, an eventfd; false: nothing was. Never waits, even if another
 * process that has the file made it one that blocks [O_NONBLOCK is the file's, not the
 * descriptor's]. Any thread.
 */
bool event_take(int fd);

#endif
