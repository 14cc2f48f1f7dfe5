/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/run.h"

#include <errno.h>
#include <unistd.h>

bool terminal_is_ours(void)
{
	return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

int terminal_make_raw(struct run *run)
{
	struct termios raw;

	if (!terminal_is_ours())
		return -ENOTTY;
	if (tcgetattr(STDIN_FILENO, &run->termios))
		return -errno;
	raw = run->termios;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw))
		return -errno;
	run->raw = true;
	return 0;
}

void terminal_restore(struct run *run)
{
	if (run->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &run->termios);
	run->raw = false;
}
