/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/sparse.h"

#include "lib/util.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 4096 /* of common file systems; a smaller hole saves nothing */

static int write_at(struct sparse *s, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t n = pwrite(s->fd, bytes, size, (off_t)s->at);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
			s->at += (uint64_t)n;
		}
	}
	return 0;
}

/* How many of the SIZE bytes at BYTES, which go to AT, are blocks or parts of such of one kind. */
static size_t same_kind(uint64_t at, const uint8_t *bytes, size_t size, bool *ret_zeros)
{
	static const uint8_t zeros[BLOCK];
	size_t n = 0;

	while (n < size) {
		size_t part = (size_t)min_u64(size - n, BLOCK - (at + n) % BLOCK);
		bool zero = memcmp(bytes + n, zeros, part) == 0;

		if (n && zero != *ret_zeros)
			break;
		*ret_zeros = zero;
		n += part;
	}
	return n;
}

int sparse_write(struct sparse *s, const uint8_t *bytes, size_t size)
{
	int ret = 0;

	while (!ret && size) {
		bool zeros = false;
		size_t n = same_kind(s->at, bytes, size, &zeros);

		if (zeros)
			s->at += n;
		else
			ret = write_at(s, bytes, n);
		bytes += n;
		size -= n;
	}
	return ret;
}

int sparse_finish(const struct sparse *s)
{
	return ftruncate(s->fd, (off_t)s->at) ? -errno : 0;
}
