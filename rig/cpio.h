/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes a cpio archive in the form that Linux unpacks as its initial file system [Linux
 * Documentation/driver-api/early-userspace/buffer-format.rst, "newc"]. No links, no checksums.
 */
#ifndef RIG_CPIO_H
#define RIG_CPIO_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct cpio {
	FILE *f;
	uint64_t size; /* bytes written */
	unsigned number;
	int error; /* the first failure, negative errno; 0: none */
};

/* The largest file that it can hold. */
#define CPIO_FILE_MAX UINT32_MAX

/*
 * PATH is absolute, without "." and "..", its folder put before it. After a failure, which
 * cpio_finish tells, they do nothing.
 */
void cpio_folder(struct cpio *c, const char *path);
void cpio_device(struct cpio *c, const char *path, unsigned major, unsigned minor);
void cpio_bytes(struct cpio *c, const char *path, const void *bytes, size_t size);
/* All of the regular file FD, whose offset is at its start. */
void cpio_file(struct cpio *c, const char *path, int fd);

/* Ends the archive and flushes it. 0; -EFBIG when a file was too large; or a negative errno. */
int cpio_finish(struct cpio *c);

#endif
