/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig/wire.h"

#include "lib/file.h"
#include "lib/util.h"

#include <errno.h>
#include <string.h>

#define HEADER_SIZE 8

void wire_put_u32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get_u32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint32_t wire_u32(const struct wire_frame *f, size_t offset)
{
	return offset + 4 <= f->size ? get_u32(f->bytes + offset) : 0;
}

ssize_t wire_read(struct wire_reader *r, int fd)
{
	ssize_t n;

	if (r->start) {
		memmove(r->bytes, r->bytes + r->start, r->end - r->start);
		r->end -= r->start;
		r->start = 0;
	}
	do {
		n = read(fd, r->bytes + r->end, sizeof(r->bytes) - r->end);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	r->end += (size_t)n;
	return n;
}

int wire_next(struct wire_reader *r, struct wire_frame *ret_frame)
{
	const uint8_t *at = r->bytes + r->start;
	size_t size;

	if (r->end - r->start < HEADER_SIZE)
		return 0;
	size = get_u32(at + 4);
	if (size > WIRE_BYTES_MAX)
		return -EBADMSG;
	if (r->end - r->start < HEADER_SIZE + size)
		return 0;
	*ret_frame =
		(struct wire_frame){.type = get_u32(at), .size = size, .bytes = at + HEADER_SIZE};
	r->start += HEADER_SIZE + size;
	return 1;
}

int wire_write(int fd, enum wire_type type, const void *bytes, size_t size)
{
	uint8_t frame[HEADER_SIZE + WIRE_BYTES_MAX];

	if (size > WIRE_BYTES_MAX)
		return -EMSGSIZE;
	wire_put_u32(frame, type);
	wire_put_u32(frame + 4, (uint32_t)size);
	if (size)
		memcpy(frame + HEADER_SIZE, bytes, size);
	return file_write_all(fd, frame, HEADER_SIZE + size);
}

int wire_write_u32(int fd, enum wire_type type, uint32_t value)
{
	uint8_t bytes[4];

	wire_put_u32(bytes, value);
	return wire_write(fd, type, bytes, sizeof(bytes));
}
