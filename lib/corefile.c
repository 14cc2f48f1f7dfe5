/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/corefile.h"

#include "lib/util.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define BLOCK  4096 /* holes are whole ones */
#define BUFFER (MIB)

struct copy {
	int out;
	uint64_t at;
};

static int write_all(struct copy *c, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t n = pwrite(c->out, bytes, size, (off_t)c->at);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
			c->at += (uint64_t)n;
		}
	}
	return 0;
}

/* BYTES starts at a block: so do all of its zeros. */
static int write_blocks(struct copy *c, const uint8_t *bytes, size_t size)
{
	static const uint8_t zeros[BLOCK];
	int ret = 0;

	for (size_t at = 0, end; !ret && at < size; at = end) {
		bool hole = size - at >= BLOCK && memcmp(bytes + at, zeros, BLOCK) == 0;

		for (end = at; end < size; end += min_u64(BLOCK, size - end)) {
			if ((size - end >= BLOCK && memcmp(bytes + end, zeros, BLOCK) == 0) != hole)
				break;
		}
		if (hole)
			c->at += end - at;
		else
			ret = write_all(c, bytes + at, end - at);
	}
	return ret;
}

/* Fills BYTES as far as the stream goes. How much there is, or a negative errno. */
static ssize_t read_full(int in, uint8_t *bytes, size_t have)
{
	while (have < BUFFER) {
		ssize_t n = read(in, bytes + have, BUFFER - have);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			have += (size_t)n;
	}
	return (ssize_t)have;
}

/* Whether the file is as long as its headers say. */
static int check_complete(int fd, uint64_t size)
{
	Elf64_Ehdr e;
	Elf64_Phdr h;

	if (pread(fd, &e, sizeof(e), 0) != sizeof(e) || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 ||
		e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_phentsize != sizeof(h))
		return -ENODATA;
	for (unsigned i = 0; i < e.e_phnum; i++) {
		uint64_t at = e.e_phoff + i * sizeof(h);

		if (pread(fd, &h, sizeof(h), (off_t)at) != sizeof(h) ||
			add_overflows(h.p_offset, h.p_filesz) || h.p_offset + h.p_filesz > size)
			return -ENODATA;
	}
	return 0;
}

int corefile_receive(const struct corefile_source *source, int out, uint64_t *ret_size)
{
	AUTO_FREE uint8_t *buffer = malloc(BUFFER);
	size_t have = source->head_size;
	struct copy c = {.out = out};
	ssize_t n = -ENOMEM;
	int ret = 0;

	if (!buffer || have > BUFFER)
		return -ENOMEM;
	memcpy(buffer, source->head, have);
	while (!ret && (n = read_full(source->in, buffer, have)) > 0) {
		ret = (uint64_t)n > source->max - c.at ? -EFBIG
						       : write_blocks(&c, buffer, (size_t)n);
		have = 0;
	}
	if (!ret && n < 0)
		ret = (int)n;
	if (!ret && ftruncate(out, (off_t)c.at))
		ret = -errno;
	if (!ret)
		ret = check_complete(out, c.at);
	if (!ret)
		*ret_size = c.at;
	return ret;
}
