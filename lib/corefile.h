/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes a file of an ELF core that comes as a stream. It may be anything. */
#ifndef LIB_COREFILE_H
#define LIB_COREFILE_H

#include <stddef.h>
#include <stdint.h>

struct corefile_source {
	const void *head; /* what is read of the stream already: HEAD_SIZE bytes */
	size_t head_size;
	int in;       /* the rest; it blocks */
	uint64_t max; /* bytes that an honest core has at most */
};

/*
 * Writes all that comes from SOURCE to OUT, an empty regular file; blocks of zeros become holes. 0
 * with the size of the file; -EFBIG when there is more than the source may have, of which nothing
 * is written; -ENODATA when it ended before all that its headers tell of, or had none; else what
 * reading or writing said.
 */
int corefile_receive(const struct corefile_source *source, int out, uint64_t *ret_size);

#endif
