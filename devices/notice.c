/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/notice.h"

#include <stdarg.h>
#include <stdio.h>

void notice_tell(const struct notice *n, const char *fmt, ...)
{
	char text[NOTICE_MAX];
	va_list ap;

	if (!n->sink)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n->sink->tell(n->sink->ctx, n->device, text);
}
