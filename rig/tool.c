/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig/tool.h"

#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* In the new process: all that is left to do there. Does not return. */
static void become(const struct tool *t, pid_t parent, int failed)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int err = t->err >= 0 ? t->err : STDERR_FILENO;
	int out = t->out >= 0 ? t->out : err;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* The parent may be gone by now, and then nobody would kill us. */
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
		dup2(err, STDERR_FILENO) >= 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
		getppid() == parent && (!t->dir || chdir(t->dir) == 0)) {
		for (unsigned i = 0; i < t->keep_count; i++)
			fcntl(t->keep[i], F_SETFD, 0);
		execvp(t->argv[0], (char *const *)(uintptr_t)t->argv);
	}
	(void)!write(failed, &errno, sizeof(errno));
	_exit(127);
}

pid_t tool_start(const struct tool *t)
{
	pid_t parent = getpid(), pid;
	int failed[2], error = 0;

	if (pipe2(failed, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		become(t, parent, failed[1]);
	if (pid < 0)
		error = errno;
	close(failed[1]);
	if (pid > 0 && read(failed[0], &error, sizeof(error)) == sizeof(error))
		waitpid(pid, NULL, 0);
	close(failed[0]);
	return error ? -error : pid;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int tool_run(const struct tool *t)
{
	pid_t pid = tool_start(t);

	return pid < 0 ? pid : wait_for(pid);
}

/* Reads FD to its end. 0 or a negative errno. */
static int read_all(int fd, size_t max, char **ret_bytes, size_t *ret_size)
{
	AUTO_FREE char *bytes = NULL;
	size_t size = 0, room = 0;

	for (;;) {
		ssize_t n;

		if (size + 1 >= room) {
			char *more = realloc(bytes, room = room ? 2 * room : 4096);

			if (!more)
				return -ENOMEM;
			bytes = more;
		}
		n = read(fd, bytes + size, room - size - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > max)
			return -EFBIG;
	}
	bytes[size] = '\0';
	*ret_bytes = bytes;
	*ret_size = size;
	bytes = NULL;
	return 0;
}

int tool_capture(struct tool *t, size_t max, char **ret_bytes, size_t *ret_size)
{
	char *bytes = NULL;
	size_t size = 0;
	int out[2], ret, code;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return -errno;
	t->out = out[1];
	pid = tool_start(t);
	close(out[1]);
	ret = pid < 0 ? pid : read_all(out[0], max, &bytes, &size);
	close(out[0]);
	if (pid < 0)
		return pid;
	code = wait_for(pid);
	if (ret || code) {
		free(bytes);
		return ret ?: code;
	}
	*ret_bytes = bytes;
	*ret_size = size;
	return 0;
}

bool tool_exists(const char *program)
{
	const char *path = getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin";
	char full[PATH_MAX];

	if (strchr(program, '/'))
		return access(program, X_OK) == 0;
	for (;;) {
		size_t n = strcspn(path, ":");

		if (snprintf(full, sizeof(full), "%.*s/%s", (int)n, path, program) <
				(int)sizeof(full) &&
			access(full, X_OK) == 0)
			return true;
		if (!path[n])
			return false;
		path += n + 1;
	}
}
