/* SPDX-License-Identifier: BSD-3-Clause */
/* gzip files [RFC 1952], through zlib: what GRUB accepts in front of a multiboot image (xen-*.gz).
 */
#include "loader/load.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

/* Compressed images may become at most this big, however much RAM there is. */
#define DECOMPRESSED_MAX GIB

#define GZIP_WINDOW (15 + 16) /* zlib: the largest window, gzip framing */

bool gzip_detect(const uint8_t *data, size_t size)
{
	return size >= 18 && data[0] == 0x1f && data[1] == 0x8b && data[2] == Z_DEFLATED;
}

/* Doubles the buffer, up to MAX bytes. */
static int grow(uint8_t **buf, size_t *size, size_t max)
{
	size_t bigger = *size > max / 2 ? max : *size * 2;
	uint8_t *p;

	if (*size == max)
		return -E2BIG;
	p = realloc(*buf, bigger);
	if (!p)
		return -ENOMEM;
	*buf = p;
	*size = bigger;
	return 0;
}

/* True when another member follows; Z is made ready for it. What else follows is ignored. */
static bool next_member(z_stream *z)
{
	return z->avail_in > 1 && z->next_in[0] == 0x1f && z->next_in[1] == 0x8b &&
	       inflateReset(z) == Z_OK;
}

/*
 * Inflates into *BUF, which has *SIZE bytes and may grow to MAX. *RET_DONE is how much came out,
 * also on failure. Input beyond 4 GiB is not looked at (zlib counts in unsigned int).
 */
static int inflate_all(z_stream *z, uint8_t **buf, size_t *size, size_t max, size_t *ret_done)
{
	size_t done = 0;
	int ret = 0;

	while (!ret) {
		size_t room = min_u64(*size - done, UINT_MAX);
		int zret;

		z->next_out = *buf + done;
		z->avail_out = (uInt)room;
		zret = inflate(z, Z_NO_FLUSH);
		done += room - z->avail_out;
		if (zret == Z_STREAM_END) {
			if (!next_member(z))
				break;
		} else if (zret != Z_OK && zret != Z_BUF_ERROR) {
			ret = zret == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
		} else if (z->avail_out && !z->avail_in) {
			ret = -ENODATA;
		} else if (!z->avail_out && done == *size) {
			ret = grow(buf, size, max);
		} else if (zret == Z_BUF_ERROR) {
			ret = -EINVAL; /* no progress although there is input and room */
		}
	}
	*ret_done = done;
	return ret;
}

int gunzip(const uint8_t *data, size_t size, size_t max, uint8_t **ret_data, size_t *ret_size)
{
	z_stream z = {.next_in = (Bytef *)data, .avail_in = (uInt)min_u64(size, UINT_MAX)};
	size_t room = min_u64(max, max_u64(64 * KIB, 4 * size)), done;
	uint8_t *buf = malloc(room);
	int ret;

	if (!buf)
		return -ENOMEM;
	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK) {
		free(buf);
		return -ENOMEM;
	}
	ret = inflate_all(&z, &buf, &room, max, &done);
	inflateEnd(&z);
	if (ret) {
		free(buf);
		return ret;
	}
	*ret_data = buf;
	*ret_size = done;
	return 0;
}

size_t gunzip_head(const uint8_t *data, size_t size, uint8_t *buf, size_t buf_size)
{
	z_stream z = {.next_in = (Bytef *)data, .avail_in = (uInt)min_u64(size, UINT_MAX)};
	size_t done;

	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return 0;
	/* Errors are for the load to tell; the buffer cannot grow. */
	inflate_all(&z, &buf, &buf_size, buf_size, &done);
	inflateEnd(&z);
	return done;
}

int load_gunzip(struct load *l, const char *what, const uint8_t *data, size_t size)
{
	const struct loader_file *file = &l->req->image;
	uint64_t max = 0;
	uint8_t *buf;
	size_t done;

	for (unsigned i = 0; i < l->m->range_count; i++)
		max += l->m->ranges[i].type == RANGE_RAM ? l->m->ranges[i].size : 0;
	max = min_u64(max, DECOMPRESSED_MAX);
	switch (gunzip(data, size, max, &buf, &done)) {
	case 0:
		free(l->buf);
		l->data = l->buf = buf;
		l->size = done;
		return 0;
	case -ENODATA:
		return load_error(l, file, "%s ends early, after %zu bytes; the file is truncated",
			what, size);
	case -E2BIG:
		return load_error(l, file,
			"%s decompresses to more than %ju bytes, which is guest RAM or 1 GiB, whichever is less; give the partition more memory, or another image",
			what, (uintmax_t)max);
	case -ENOMEM:
		return load_error(
			l, file, "out of memory while decompressing; free some on the host");
	default:
		return load_error(l, file,
			"the data of %s are corrupt; copy the file again, or decompress it with gunzip to see where",
			what);
	}
}
