/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
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

/*
 * Regular files never block, and must keep their common position; some files cannot be opened
 * again: those are used as they are.
 */
int open_console(int fd, int flags)
{
	char path[32];
	struct stat st;
	int ret = -1;

	if (fstat(fd, &st))
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode))
		ret = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (ret < 0)
		ret = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return ret < 0 ? -errno : ret;
}
