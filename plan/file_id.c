/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan/file_id.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *file_directory(const char *path, char buf[PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	snprintf(buf, PATH_MAX, "%.*s", slash ? (int)(slash - path) + 1 : 2, slash ? path : "./");
	return buf;
}

bool file_identify(const char *path, struct file_id *ret_id)
{
	char real[PATH_MAX], *name = NULL;
	struct stat st;

	if (stat(path, &st)) {
		/* The GNU C library leaves in REAL what is missing, all links followed. */
		if (stat(file_directory(path, real), &st) || realpath(path, real) ||
			errno != ENOENT)
			return false;
		name = strrchr(real, '/') + 1;
	}
	snprintf(ret_id->name, sizeof(ret_id->name), "%s", name ? name : "");
	if (name)
		*name = '\0';
	if (name && stat(real, &st))
		return false;
	ret_id->dev = st.st_dev;
	ret_id->ino = st.st_ino;
	return true;
}

bool file_same(const struct file_id *a, const struct file_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && strcmp(a->name, b->name) == 0;
}

bool file_is(const char *path, const struct file_id *id)
{
	struct file_id input;

	return file_identify(path, &input) && file_same(&input, id);
}
