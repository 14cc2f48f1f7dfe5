/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/corefile.h"

#include "lib/sparse.h"
#include "lib/util.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define BUFFER MIB

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
	struct sparse file = {.fd = out};
	ssize_t n = -ENOMEM;
	int ret = 0;

	if (!buffer || have > BUFFER)
		return -ENOMEM;
	memcpy(buffer, source->head, have);
	while (!ret && (n = read_full(source->in, buffer, have)) > 0) {
		ret = (uint64_t)n > source->max - file.at ? -EFBIG
							  : sparse_write(&file, buffer, (size_t)n);
		have = 0;
	}
	if (!ret && n < 0)
		ret = (int)n;
	if (!ret)
		ret = sparse_finish(&file);
	if (!ret)
		ret = check_complete(out, file.at);
	if (!ret)
		*ret_size = file.at;
	return ret;
}
