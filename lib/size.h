/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Quantities as users write them: sizes (512M), times (30s), counts and addresses (0x100000).
 */
#ifndef LIB_SIZE_H
#define LIB_SIZE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Parse all of TEXT, without sign or surrounding space. 0 on success; -EINVAL when TEXT is not such
 * a quantity; -ERANGE when it does not fit. The result is untouched on failure.
 */

/* An integer: decimal, or hexadecimal after 0x. */
int parse_u64(const char *text, uint64_t *ret_value);

/* A size in bytes: an integer, then nothing or B, or K, M, G, T (powers of 1024; KiB.. also). */
int parse_size(const char *text, uint64_t *ret_bytes);

/* A time in nanoseconds: a decimal integer, then ns, us, ms, s, m (minutes) or h; a bare 0 too. */
int parse_duration(const char *text, uint64_t *ret_ns);

#define QUANTITY_MAX 32 /* bytes that a format needs, the final NUL included */

/* Writes the shortest exact form that parse_size reads back ("512M"); returns BUF. */
char *format_size(uint64_t bytes, char buf[QUANTITY_MAX]);

/* The same for parse_duration, with ns, us, ms or s ("200ms"). */
char *format_duration(uint64_t ns, char buf[QUANTITY_MAX]);

#endif
