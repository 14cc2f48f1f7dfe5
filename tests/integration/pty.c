/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pty COMMAND ARGUMENTS...: runs a command on a new terminal as a job of an interactive shell would
 * be run. What it prints goes to standard output, what comes on standard input is typed. At the end
 * one line on standard error tells what became of the terminal's settings, such as
 *
 *     terminal: raw, then restored
 *
 * Exit code: the command's, or 128 plus the number of the signal that ended it. The signals HUP,
 * INT and TERM are left alone: whoever wants to signal the command looks for its process.
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* How long settings may take to come back once the command is gone, in steps of 10 ms. */
#define RESTORE_STEPS 100

static bool same(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
	       a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

/* The job: a process group of its own, in the foreground. */
static pid_t start_job(char **argv)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setpgid(0, 0);
	tcsetpgrp(STDIN_FILENO, getpid());
	signal(SIGTTOU, SIG_DFL);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

/* The shell, the session's leader: its exit code is the job's. */
static int shell(char **argv, int report_fd)
{
	struct termios before, now;
	bool raw = false;
	int status, steps = 0;
	pid_t job, ended = 0;

	signal(SIGTTOU, SIG_IGN); /* for tcsetpgrp */
	tcgetattr(STDIN_FILENO, &before);
	job = start_job(argv);
	while (!raw && !(ended = waitpid(job, &status, WNOHANG))) {
		tcgetattr(STDIN_FILENO, &now);
		raw = !(now.c_lflag & ICANON);
		usleep(10000);
	}
	if (!ended)
		waitpid(job, &status, 0);
	tcsetpgrp(STDIN_FILENO, getpid());
	do {
		tcgetattr(STDIN_FILENO, &now);
		usleep(10000);
	} while (!same(&before, &now) && ++steps < RESTORE_STEPS);
	dprintf(report_fd, "terminal: %s, %s\n", raw ? "raw" : "not raw",
		same(&before, &now) ? "then restored" : "then LEFT CHANGED");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* One read, all of it written. False at the end of what can be read. */
static bool copy(int from, int to)
{
	char bytes[4096];
	ssize_t n = read(from, bytes, sizeof(bytes)), done = 0, m;

	while (done < n && (m = write(to, bytes + done, (size_t)(n - done))) > 0)
		done += m;
	return n > 0;
}

int main(int argc, char **argv)
{
	int master, status, report_fd = dup(STDERR_FILENO);
	pid_t pid;

	if (argc < 2)
		return 2;
	pid = forkpty(&master, NULL, NULL, NULL);
	if (pid < 0) {
		perror("forkpty");
		return 2;
	}
	if (pid == 0)
		_exit(shell(argv + 1, report_fd));
	struct pollfd fds[] = {{master, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};

	for (;;) {
		poll(fds, 2, -1);
		if (fds[1].revents && !copy(STDIN_FILENO, master))
			fds[1].fd = -1;
		if (fds[0].revents && !copy(master, STDOUT_FILENO))
			break; /* EIO: nobody has the terminal open any more */
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}
