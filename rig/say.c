/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig/say.h"

#include <stdarg.h>

void rig_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("bulkhead rig: ", stderr);
	vfprintf(stderr, fmt, ap);
	/* A terminal may be raw. */
	fputs(isatty(STDERR_FILENO) ? "\r\n" : "\n", stderr);
	va_end(ap);
}
