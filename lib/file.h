/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files as bytes: read-only mappings, whole reads and writes, sealed memory files. Any thread.
 */
#ifndef LIB_FILE_H
#define LIB_FILE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct file_map {
	const uint8_t *data; /* NULL when the file is empty */
	size_t size;         /* bytes */
};

/*
 * Maps the regular file FD (private, read-only). 0; -EISDIR or -EINVAL when it is not a regular
 * file; else what fstat or mmap said. FD may be closed afterwards.
 */
int file_map_fd(int fd, struct file_map *ret_map);

/* Opens and maps PATH; the errors of open(2) and file_map_fd. */
int file_map_path(const char *path, struct file_map *ret_map);

void file_unmap(struct file_map *map);

/* Writes exactly SIZE bytes; 0 or a negative errno. */
int file_write_all(int fd, const void *buf, size_t size);

/*
 * Reads a small text file (sysfs, procfs): at most SIZE - 1 bytes, NUL-terminated, without the
 * final newline. 0 or a negative errno; BUF is the empty string on failure.
 */
int file_read_line(const char *path, char *buf, size_t size);

/* The path of this program. 0, or a negative errno with the empty string. */
int file_own_program(char ret_path[PATH_MAX]);

/* A memfd with DATA in it that nobody can change or resize any more. The descriptor or -errno. */
int memfd_create_sealed(const char *name, const void *data, size_t size);

#endif
