/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device tells whoever runs the partition: that what is behind it has failed, or is not as
 * the plan wants it. Rare: once for each cause, never for what a guest can repeat.
 */
#ifndef DEVICES_NOTICE_H
#define DEVICES_NOTICE_H

#include "lib/util.h"

#define NOTICE_MAX 256 /* bytes of a text, with its end */

struct notice_sink {
	void (*tell)(void *ctx, const char *device, const char *text);
	void *ctx;
};

/* Embedded in a device's config: who it is, and who hears of it. Both borrowed. */
struct notice {
	const struct notice_sink *sink; /* NULL: nobody */
	const char *device;             /* its name in the plan: "blk0" */
};

/* Tells "cause; what follows, or what to do". Any thread; does not block. */
void notice_tell(const struct notice *n, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
