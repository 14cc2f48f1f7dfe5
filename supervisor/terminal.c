/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/run.h"

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

void terminal_find(struct run *run)
{
	run->has_terminal = terminal_is_ours() && tcgetattr(STDIN_FILENO, &run->termios) == 0;
}

void terminal_make_raw(struct run *run)
{
	struct termios raw = run->termios;

	if (!run->has_terminal)
		return;
	cfmakeraw(&raw);
	run->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

void terminal_restore(struct run *run)
{
	if (run->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &run->termios);
	run->raw = false;
}
