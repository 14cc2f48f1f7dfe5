/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig/cpio.h"

#include "lib/util.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

struct header {
	unsigned mode;
	unsigned links;
	uint64_t size;
	unsigned major, minor;
};

static void put(struct cpio *c, const void *bytes, size_t size)
{
	if (!c->error && fwrite(bytes, 1, size, c->f) != size)
		c->error = errno ? -errno : -EIO;
	c->size += size;
}

/* Headers and contents start at multiples of 4. */
static void pad(struct cpio *c)
{
	static const char zeros[4];

	put(c, zeros, (size_t)(align_up(c->size, 4) - c->size));
}

static void put_header(struct cpio *c, const char *path, const struct header *h)
{
	const char *name = path + strspn(path, "/");
	char text[112];
	int n;

	if (h->size > CPIO_FILE_MAX) {
		c->error = c->error ?: -EFBIG;
		return;
	}
	n = snprintf(text, sizeof(text),
		"070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", ++c->number, h->mode,
		0, 0, h->links, 0, (unsigned)h->size, 0, 0, h->major, h->minor,
		(unsigned)strlen(name) + 1, 0);
	put(c, text, (size_t)n);
	put(c, name, strlen(name) + 1);
	pad(c);
}

void cpio_folder(struct cpio *c, const char *path)
{
	put_header(c, path, &(struct header){.mode = S_IFDIR | 0755, .links = 2});
}

void cpio_device(struct cpio *c, const char *path, unsigned major, unsigned minor)
{
	put_header(c, path,
		&(struct header){
			.mode = S_IFCHR | 0600, .links = 1, .major = major, .minor = minor});
}

void cpio_bytes(struct cpio *c, const char *path, const void *bytes, size_t size)
{
	put_header(c, path, &(struct header){.mode = S_IFREG | 0644, .links = 1, .size = size});
	put(c, bytes, size);
	pad(c);
}

void cpio_file(struct cpio *c, const char *path, int fd)
{
	static char bytes[65536];
	struct stat st;
	uint64_t left;

	if (fstat(fd, &st)) {
		c->error = c->error ?: -errno;
		return;
	}
	left = (uint64_t)st.st_size;
	put_header(c, path,
		&(struct header){.mode = S_IFREG | (st.st_mode & 0777), .links = 1, .size = left});
	while (left && !c->error) {
		ssize_t n = read(fd, bytes, (size_t)min_u64(left, sizeof(bytes)));

		if (n <= 0) {
			c->error = n ? -errno : -ENODATA;
			return;
		}
		put(c, bytes, (size_t)n);
		left -= (uint64_t)n;
	}
	pad(c);
}

int cpio_finish(struct cpio *c)
{
	put_header(c, "TRAILER!!!", &(struct header){.links = 1});
	if (!c->error && fflush(c->f))
		c->error = -errno;
	return c->error;
}
