/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/rundir.h"

#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define SYSTEM_DIR "/run"
#define SUFFIX     ".sock"

/* Whoever holds the lock binds a socket and no more; one that is stopped in between is not waited
 * for. */
#define LOCK_PATIENCE_NS 2000000000
#define STEP_NS          5000000

/* Clients that may wait for the supervisor's next turn; others try again for a while. */
#define BACKLOG             64
#define CONNECT_PATIENCE_NS 1000000000

/* ---- names ---- */

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

bool run_name_valid(const char *name)
{
	size_t length = strlen(name);

	for (const char *c = name; *c; c++) {
		if (!is_name_char(*c))
			return false;
	}
	/* Neither hidden, nor an option. */
	return length && length < RUN_NAME_MAX && name[0] != '.' && name[0] != '-';
}

void run_name_from(const char *text, char ret_name[RUN_NAME_MAX])
{
	size_t n = 0;

	for (; *text && n < RUN_NAME_MAX - 1; text++) {
		if (is_name_char(*text) && (n || (*text != '.' && *text != '-')))
			ret_name[n++] = *text;
		else if (n && ret_name[n - 1] != '-')
			ret_name[n++] = '-';
	}
	ret_name[n] = '\0';
	if (!n)
		snprintf(ret_name, RUN_NAME_MAX, "run");
}

/* ---- the folder ---- */

static bool is_own_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

int rundir_open(bool create, char ret_path[PATH_MAX])
{
	const char *parent = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	int fd, n;

	ret_path[0] = '\0';
	/* sudo may leave the variable of the user who called it [XDG Base Directory: owned by the
	 * user]. */
	if (geteuid() == 0 && (!parent || parent[0] != '/' || !is_own_dir(parent)))
		parent = SYSTEM_DIR;
	if (!parent || parent[0] != '/')
		return -ENXIO;
	n = snprintf(ret_path, PATH_MAX, "%s/bulkhead", parent);
	if (n < 0 || n >= PATH_MAX)
		return -ENAMETOOLONG;
	if (create && mkdir(ret_path, 0700) && errno != EEXIST)
		return -errno;
	fd = open(ret_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & 077))
		return fd;
	close(fd);
	return -EPERM;
}

/* Sockets have short paths only: the folder goes by its descriptor. */
static void socket_address(int dir_fd, const char *name, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%.*s" SUFFIX, dir_fd,
		RUN_NAME_MAX - 1, name);
}

int rundir_connect(int dir_fd, const char *name)
{
	uint64_t end = monotonic_ns() + CONNECT_PATIENCE_NS;
	struct sockaddr_un address;
	AUTO_CLOSE int fd = -1;

	if (!run_name_valid(name))
		return -ENOENT;
	socket_address(dir_fd, name, &address);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		if (errno != EAGAIN || monotonic_ns() > end)
			return -errno;
		nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
	}
	return fcntl(fd, F_SETFL, 0) ? -errno : fd_release(&fd);
}

static int lock_dir(int dir_fd)
{
	uint64_t end = monotonic_ns() + LOCK_PATIENCE_NS;

	while (flock(dir_fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (monotonic_ns() > end)
			return -ETIMEDOUT;
		nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
	}
	return 0;
}

/* Removes a socket that nobody listens to. -EADDRINUSE when somebody does. */
static int remove_stale(int dir_fd, const char *name)
{
	char file[RUN_NAME_MAX + sizeof(SUFFIX)];
	int fd = rundir_connect(dir_fd, name);

	if (fd >= 0) {
		close(fd);
		return -EADDRINUSE;
	}
	if (fd == -ENOENT)
		return 0;
	/* EAGAIN: so many clients wait for it that it lives. */
	if (fd != -ECONNREFUSED)
		return -EADDRINUSE;
	snprintf(file, sizeof(file), "%s" SUFFIX, name);
	return unlinkat(dir_fd, file, 0) && errno != ENOENT ? -errno : 0;
}

static int bind_socket(int dir_fd, const char *name)
{
	struct sockaddr_un address;
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret;
	mode_t mask;

	if (fd < 0)
		return -errno;
	socket_address(dir_fd, name, &address);
	mask = umask(0177);
	ret = bind(fd, (const struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
	umask(mask);
	if (ret)
		return ret;
	return listen(fd, BACKLOG) ? -errno : fd_release(&fd);
}

int rundir_listen(int dir_fd, const char *name)
{
	int ret;

	if (!run_name_valid(name))
		return -EINVAL;
	ret = lock_dir(dir_fd);
	if (ret)
		return ret;
	ret = remove_stale(dir_fd, name);
	if (!ret)
		ret = bind_socket(dir_fd, name);
	flock(dir_fd, LOCK_UN);
	return ret;
}

void rundir_remove(int dir_fd, const char *name)
{
	/* What cannot be removed now is replaced by the next run of that name. */
	if (lock_dir(dir_fd))
		return;
	remove_stale(dir_fd, name);
	flock(dir_fd, LOCK_UN);
}

/* ---- the list ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The run's name in FILE, or false. */
static bool socket_name(const char *file, char ret_name[RUN_NAME_MAX])
{
	size_t length = strlen(file), suffix = strlen(SUFFIX);

	if (length <= suffix || length - suffix >= RUN_NAME_MAX ||
		strcmp(file + length - suffix, SUFFIX) != 0)
		return false;
	memcpy(ret_name, file, length - suffix);
	ret_name[length - suffix] = '\0';
	return run_name_valid(ret_name);
}

int rundir_list(int dir_fd, char (**ret_names)[RUN_NAME_MAX])
{
	/* A descriptor of its own, as reading moves it. */
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char(*names)[RUN_NAME_MAX] = calloc(RUNDIR_LIST_MAX, sizeof(*names));
	const struct dirent *e;
	int count = 0;

	if (!dir || !names) {
		int error = names ? errno : ENOMEM;

		free(names);
		return -error;
	}
	while (count < RUNDIR_LIST_MAX && (e = readdir(dir)) != NULL)
		count += socket_name(e->d_name, names[count]);
	qsort(names, (size_t)count, sizeof(*names), compare_names);
	*ret_names = names;
	return count;
}
