/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/run.h"

#include <errno.h>
#include <unistd.h>

int terminal_make_raw(struct run *run)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &run->termios))
		return -errno;
	raw = run->termios;
	cfmakeraw(&raw);
	/* Our own messages end in a bare newline. */
	raw.c_oflag |= OPOST | ONLCR;
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
