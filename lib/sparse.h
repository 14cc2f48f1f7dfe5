/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing regular files whose zeros take no room. Any thread, one at a time. */
#ifndef LIB_SPARSE_H
#define LIB_SPARSE_H

#include <stddef.h>
#include <stdint.h>

struct sparse {
	int fd;      /* an empty regular file; borrowed */
	uint64_t at; /* bytes written so far */
};

/* Writes SIZE bytes behind what is there; zeros become holes, block by block. 0 or -errno. */
int sparse_write(struct sparse *s, const uint8_t *bytes, size_t size);

/* Makes the file as long as what was written: it may end in a hole. 0 or -errno. */
int sparse_finish(const struct sparse *s);

#endif
