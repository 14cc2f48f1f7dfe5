/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/terminal.h"

#include <errno.h>
#include <unistd.h>

bool terminal_is_ours(void)
{
	pid_t foreground;

	if (!isatty(STDIN_FILENO))
		return false;
	foreground = tcgetpgrp(STDIN_FILENO);
	/* ENOTTY: a terminal without job control, where nobody is in the background. */
	return foreground == getpgrp() || (foreground < 0 && errno == ENOTTY);
}
