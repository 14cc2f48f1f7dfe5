/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/detach.h"

#include "cli/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct starter {
	pid_t pid;
	int out[2];
	int err[2]; /* a pipe; or the log, opened twice */
	bool has_log;
	int ready[2];
	char name[RUN_NAME_MAX + 1]; /* with its newline */
	size_t name_size;
};

static pid_t run_pid;

/* Who interrupts the start means the run, which is in no foreground. */
static void pass_signal(int number)
{
	(void)number;
	kill(run_pid, SIGTERM);
}

static int open_log(struct starter *s, const char *dir)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/bulkhead.log", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (mkdir(dir, 0777) && errno != EEXIST)
		return -errno;
	s->err[1] =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666);
	s->err[0] = s->err[1] < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	s->has_log = true;
	return s->err[0] < 0 ? -errno : 0;
}

static int starter_init(struct starter *s, const char *log_dir)
{
	*s = (struct starter){.out = {-1, -1}, .err = {-1, -1}, .ready = {-1, -1}};
	if (pipe2(s->out, O_CLOEXEC) || pipe2(s->ready, O_CLOEXEC))
		return -errno;
	if (log_dir)
		return open_log(s, log_dir);
	return pipe2(s->err, O_CLOEXEC) ? -errno : 0;
}

static void starter_fini(struct starter *s)
{
	for (unsigned i = 0; i < 2; i++) {
		fd_close(&s->out[i]);
		fd_close(&s->err[i]);
		fd_close(&s->ready[i]);
	}
}

/* Passes on what there is in FROM. False at its end. */
static bool relay(int from, FILE *to)
{
	char bytes[4096];
	ssize_t n = read(from, bytes, sizeof(bytes));

	if (n > 0) {
		fwrite(bytes, 1, (size_t)n, to);
		fflush(to);
	}
	return n > 0 || (n < 0 && errno == EINTR);
}

/* Passes on all that is there already. */
static void relay_rest(int from, FILE *to)
{
	fcntl(from, F_SETFL, O_NONBLOCK);
	while (relay(from, to))
		;
}

/* Reads the run's name. False at the end. */
static bool read_name(struct starter *s)
{
	ssize_t n = read(s->ready[0], s->name + s->name_size, sizeof(s->name) - s->name_size);

	if (n > 0)
		s->name_size += (size_t)n;
	return n < 0 && errno == EINTR;
}

/* Until the run is OPERATIONAL or its process has closed everything. */
static void wait_for_start(struct starter *s)
{
	bool going = true;

	while (going) {
		struct pollfd p[3] = {{.fd = s->ready[0], .events = POLLIN},
			{.fd = s->out[0], .events = POLLIN},
			{.fd = s->has_log ? -1 : s->err[0], .events = POLLIN}};

		if (poll(p, ARRAY_SIZE(p), -1) < 0)
			continue;
		if (p[1].revents && !relay(s->out[0], stdout))
			fd_close(&s->out[0]);
		if (p[2].revents && !relay(s->err[0], stderr))
			fd_close(&s->err[0]);
		if (p[0].revents)
			going = read_name(s);
	}
}

static int exit_code_of(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return BH_EXIT_HOST;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : BH_EXIT_HOST;
}

static int start_and_report(struct starter *s, bool json)
{
	int code = BH_EXIT_OK;

	wait_for_start(s);
	if (!s->name_size)
		code = exit_code_of(s->pid);
	if (s->out[0] >= 0)
		relay_rest(s->out[0], stdout);
	if (s->err[0] >= 0)
		relay_rest(s->err[0], stderr);
	if (!s->name_size)
		return code;
	s->name[s->name_size - 1] = '\0';
	if (json)
		json_print(json_pack(
			"{s:b, s:s, s:I}", "ok", 1, "run", s->name, "pid", (json_int_t)s->pid));
	else
		printf("%s\n", s->name);
	return code;
}

/* The run's process: a session of its own, and no input. */
static void become_run(struct starter *s)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setsid();
	dup2(null, STDIN_FILENO);
	dup2(s->out[1], STDOUT_FILENO);
	dup2(s->err[1], STDERR_FILENO);
	close(null);
}

struct detached detach(const char *log_dir, bool json)
{
	struct detached result = {.code = BH_EXIT_HOST};
	struct starter s;
	int ret = starter_init(&s, log_dir);

	fflush(stdout);
	fflush(stderr);
	s.pid = ret ? -1 : fork();
	if (s.pid < 0) {
		fprintf(stderr, "bulkhead: --detach: %s%s%s; %s\n", log_dir ?: "",
			log_dir ? ": " : "", strerror(ret ? -ret : errno),
			log_dir ? "see the folder" : "free some memory or descriptors");
	} else if (s.pid == 0) {
		become_run(&s);
		result.child = true;
		result.ready_fd = s.ready[1];
		s.ready[1] = -1;
	} else {
		fd_close(&s.out[1]);
		fd_close(&s.err[1]);
		fd_close(&s.ready[1]);
		run_pid = s.pid;
		signal(SIGINT, pass_signal);
		signal(SIGTERM, pass_signal);
		result.code = start_and_report(&s, json);
	}
	starter_fini(&s);
	return result;
}
