/* SPDX-License-Identifier: BSD-3-Clause */
/* Process 1's last part: what the command has written goes to the front. */
#include "lib/util.h"
#include "rig/init.h"
#include "rig/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 32

/* Says that FOLDER or FILE of the path BELOW output INDEX comes next. */
static int send_name(
	int port, enum wire_type type, unsigned index, unsigned mode, const char *below)
{
	uint8_t bytes[8 + PATH_MAX];
	size_t head = type == WIRE_FILE ? 8 : 4, n = strlen(below);

	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	wire_put_u32(bytes, index);
	wire_put_u32(bytes + 4, mode);
	memcpy(bytes + head, below, n);
	return wire_write(port, type, bytes, head + n);
}

static void send_file(int port, unsigned index, const char *path, const char *below)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t bytes[WIRE_BYTES_MAX];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) ||
		send_name(port, WIRE_FILE, index, st.st_mode & 0777, below))
		return;
	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		if (wire_write(port, WIRE_DATA, bytes, (size_t)n))
			return;
	}
}

/* Recursion is bounded by DEPTH; links are not followed. */
static void send_tree(int port, unsigned index, const char *path, const char *below, unsigned depth)
{
	AUTO_CLOSEDIR DIR *dir = NULL;
	const struct dirent *e;
	struct stat st;

	if (lstat(path, &st))
		return;
	if (S_ISREG(st.st_mode))
		send_file(port, index, path, below);
	if (!S_ISDIR(st.st_mode) || !depth)
		return;
	send_name(port, WIRE_FOLDER, index, 0, below);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		AUTO_FREE char *full = NULL, *name = NULL;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (asprintf(&full, "%s/%s", path, e->d_name) < 0 ||
			asprintf(&name, "%s%s%s", below, *below ? "/" : "", e->d_name) < 0)
			return;
		send_tree(port, index, full, name, depth - 1);
	}
}

void init_send_outputs(const json_t *job, int port)
{
	const json_t *path;
	size_t i;

	json_array_foreach(json_object_get(job, "outputs"), i, path)
	{
		send_tree(port, (unsigned)i, json_string_value(path), "", DEPTH_MAX);
	}
}
