/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/run.h"

#include "lib/ipc.h"
#include "lib/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

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

struct partition_window terminal_window(const struct run *run)
{
	struct winsize size = {0};

	if (run->has_terminal && ioctl(STDIN_FILENO, TIOCGWINSZ, &size))
		size = (struct winsize){0};
	return (struct partition_window){.columns = size.ws_col, .rows = size.ws_row};
}

void terminal_resized(struct run *run)
{
	struct partition_window window = terminal_window(run);

	if (run->has_terminal && child_alive(&run->children[run->console_child]))
		ipc_send(run->children[run->console_child].control.fd, MSG_WINDOW, &window,
			sizeof(window));
}
