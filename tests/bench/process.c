/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/bench/process.h"

#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

/* What is still silent, or still there, after this long does not work. */
#define PATIENCE_MS 5000

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int spawn(char *const argv[], int out, int err, struct process *p)
{
	posix_spawn_file_actions_t actions;
	int ret;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
	p->started_ns = now_ns();
	ret = posix_spawnp(&p->pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (ret)
		return -ret;
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	return p->pidfd < 0 ? -errno : 0;
}

int process_start(char *const argv[], int console_fd, struct process *ret_process)
{
	struct process p = {.pidfd = -1};
	int console[2], report[2], ret;
	bool on_stdout = console_fd == STDOUT_FILENO;

	if (pipe2(console, O_CLOEXEC))
		return -errno;
	if (pipe2(report, O_CLOEXEC)) {
		ret = -errno;
		close(console[0]);
		close(console[1]);
		return ret;
	}
	ret = spawn(
		argv, on_stdout ? console[1] : report[1], on_stdout ? report[1] : console[1], &p);
	close(console[1]);
	close(report[1]);
	if (ret) {
		close(console[0]);
		close(report[0]);
		return ret;
	}
	p.console = console[0];
	p.report = report[0];
	*ret_process = p;
	return 0;
}

int process_wait_byte(struct process *p, char byte, uint64_t *ret_ns)
{
	uint64_t limit = now_ns() + PATIENCE_MS * UINT64_C(1000000);
	struct pollfd poll_fd = {.fd = p->console, .events = POLLIN};

	while (now_ns() < limit) {
		char got;
		ssize_t n;

		if (poll(&poll_fd, 1, PATIENCE_MS) <= 0)
			continue;
		n = read(p->console, &got, 1);
		if (n <= 0)
			return n ? -errno : -EPIPE;
		if (got == byte) {
			*ret_ns = now_ns();
			return 0;
		}
	}
	return -ETIMEDOUT;
}

static void read_report(int fd, char ret_report[PROCESS_REPORT_MAX])
{
	size_t size = 0;
	ssize_t n = 1;

	while (n > 0 && size < PROCESS_REPORT_MAX - 1) {
		n = read(fd, ret_report + size, PROCESS_REPORT_MAX - 1 - size);
		size += n > 0 ? (size_t)n : 0;
	}
	ret_report[size] = '\0';
}

int process_finish(
	struct process *p, int kill_it, uint64_t *ret_ns, char ret_report[PROCESS_REPORT_MAX])
{
	struct pollfd poll_fd = {.fd = p->pidfd, .events = POLLIN};
	int ret = 0;

	if (!kill_it && poll(&poll_fd, 1, PATIENCE_MS) <= 0)
		ret = -ETIMEDOUT;
	if (kill_it || ret)
		kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	*ret_ns = now_ns();
	read_report(p->report, ret_report);
	close(p->console);
	close(p->report);
	close(p->pidfd);
	return ret;
}

/* ---- memory ---- */

/* A mapping of guest RAM, to which QEMU adds a little. */
static bool is_ram_size(uint64_t size, uint64_t ram_size)
{
	return size >= ram_size && size <= ram_size + MIB;
}

/*
 * Adds what PID has mapped to *BYTES, but for guest RAM, whose mappings go to *RAM_MAPPINGS. It may
 * be in two: the beginning apart from the rest.
 */
static int add_pss(pid_t pid, uint64_t ram_size, uint64_t *bytes, unsigned *ram_mappings)
{
	uint64_t start, end, kib, last_start = 0, last_end = 0, last_bytes = 0;
	AUTO_FCLOSE FILE *f = NULL;
	bool is_ram = false;
	char line[512];

	snprintf(line, sizeof(line), "/proc/%d/smaps", pid);
	f = fopen(line, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2) {
			bool rest = start == last_end && is_ram_size(end - last_start, ram_size);

			is_ram = rest || is_ram_size(end - start, ram_size);
			*ram_mappings += is_ram;
			*bytes -= rest ? last_bytes : 0;
			last_start = start;
			last_end = end;
			last_bytes = 0;
		} else if (!is_ram && sscanf(line, "Pss: %" SCNu64, &kib) == 1) {
			last_bytes = kib * KIB;
			*bytes += last_bytes;
		}
	}
	return 0;
}

/* The parent of process NAME, a folder of /proc; 0 when there is none. */
static pid_t parent_of(const char *name)
{
	AUTO_FCLOSE FILE *f = NULL;
	const char *paren;
	char text[512];
	pid_t parent;

	snprintf(text, sizeof(text), "/proc/%.20s/stat", name);
	f = fopen(text, "re");
	if (!f || !fgets(text, sizeof(text), f))
		return 0;
	paren = strrchr(text, ')'); /* the name before it may hold anything */
	return paren && sscanf(paren, ") %*c %d", &parent) == 1 ? parent : 0;
}

static int add_tree(pid_t pid, uint64_t ram_size, uint64_t *bytes, unsigned *ram_mappings)
{
	AUTO_CLOSEDIR DIR *proc = opendir("/proc");
	int ret = proc ? add_pss(pid, ram_size, bytes, ram_mappings) : -errno;
	struct dirent *entry;

	while (!ret && (entry = readdir(proc)) != NULL) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			parent_of(entry->d_name) == pid)
			ret = add_tree(atoi(entry->d_name), ram_size, bytes, ram_mappings);
	}
	return ret;
}

int process_tree_pss(pid_t pid, uint64_t ram_size, uint64_t *ret_bytes)
{
	unsigned ram_mappings = 0;
	uint64_t bytes = 0;
	int ret = add_tree(pid, ram_size, &bytes, &ram_mappings);

	if (ret)
		return ret;
	if (!ram_mappings)
		return -ENOENT;
	*ret_bytes = bytes;
	return 0;
}
