/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig/say.h"

#include <poll.h>
#include <stdarg.h>

#define PATIENCE_MS 1000

bool rig_can_say(FILE *f)
{
	int fd = fileno(f);

	return fd < 0 || poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, PATIENCE_MS) > 0;
}

void rig_say(const char *fmt, ...)
{
	va_list ap;

	if (!rig_can_say(stderr))
		return;
	va_start(ap, fmt);
	fputs("bulkhead rig: ", stderr);
	vfprintf(stderr, fmt, ap);
	/* A terminal may be raw. */
	fputs(isatty(STDERR_FILENO) ? "\r\n" : "\n", stderr);
	va_end(ap);
}
