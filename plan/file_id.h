/* SPDX-License-Identifier: BSD-3-Clause */
/* Which file a path leads to: other spellings, links and mounts of one file are that file. */
#ifndef PLAN_FILE_ID_H
#define PLAN_FILE_ID_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct file_id {
	dev_t dev;
	ino_t ino;
	char name[NAME_MAX + 1]; /* of a file that is not there yet, in the directory DEV, INO */
};

/* The directory of PATH, with its slash. */
const char *file_directory(const char *path, char buf[PATH_MAX]);

/* False when PATH is nothing, and could become nothing. */
bool file_identify(const char *path, struct file_id *ret_id);
bool file_same(const struct file_id *a, const struct file_id *b);

/* True when PATH is there and the file ID. */
bool file_is(const char *path, const struct file_id *id);

#endif
