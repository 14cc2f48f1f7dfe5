/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes a file of an ELF core that comes as a stream. It may be anything. */
#ifndef LIB_COREFILE_H
#define LIB_COREFILE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes the HEAD_SIZE bytes at HEAD, and then all that comes from IN, which blocks, to OUT, an
 * empty regular file; blocks of zeros become holes. 0 with the size of the file; -ENODATA when it
 * ended before all that its headers tell of, or had none; else what reading or writing said.
 */
int corefile_receive(const void *head, size_t head_size, int in, int out, uint64_t *ret_size);

#endif
