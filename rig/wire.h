/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the front on the host and process 1 of the emulated machine say to each other, through one
 * port of a virtio console: frames of a type, a size and bytes, in order. Numbers are
 * little-endian. What comes out of the machine is not trusted: its guests may have taken it over.
 */
#ifndef RIG_WIRE_H
#define RIG_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum wire_type {
	/* Into the machine. */
	WIRE_INPUT = 1, /* bytes of standard input; at most WIRE_INPUT_MAX of them unanswered */
	WIRE_INPUT_END,
	WIRE_SIGNAL, /* u32: the command gets it */
	WIRE_WINDOW, /* u32 rows, u32 columns */
	/* Out of it. */
	WIRE_READY = 64, /* the command starts */
	WIRE_ALIVE,      /* every WIRE_ALIVE_NS while it runs */
	WIRE_TOOK,       /* u32: so many bytes of input have reached the command */
	WIRE_OUTPUT,     /* bytes of standard output, or of the terminal */
	WIRE_ERROR,      /* of standard error */
	WIRE_FOLDER,     /* u32 which output, then the path in it: a folder that is to be there */
	WIRE_FILE,       /* u32 which output, u32 mode, then the path in it (empty: it is it) */
	WIRE_DATA,       /* what comes next in that file */
	WIRE_EXIT,       /* u32: the command's exit code; all outputs have been sent */
	WIRE_FAILED,     /* text: why it cannot run */
};

#define WIRE_BYTES_MAX 32768 /* in a frame */
#define WIRE_INPUT_MAX 4096
#define WIRE_ALIVE_NS  ((uint64_t)5000000000)

struct wire_frame {
	unsigned type;
	size_t size;
	const uint8_t *bytes; /* inside the reader, until more is read */
};

struct wire_reader {
	size_t start, end;
	uint8_t bytes[2 * (8 + WIRE_BYTES_MAX)];
};

/* Reads what there is, once. How much; 0 at the end; a negative errno. */
ssize_t wire_read(struct wire_reader *r, int fd);

/* 1 and the next frame that is complete; 0: there is none yet; -EBADMSG: no such frames. */
int wire_next(struct wire_reader *r, struct wire_frame *ret_frame);

/* Writes a frame, waiting as long as that takes. 0 or a negative errno. */
int wire_write(int fd, enum wire_type type, const void *bytes, size_t size);
int wire_write_u32(int fd, enum wire_type type, uint32_t value);

/* The number at OFFSET of a frame; 0 when it is too short. */
uint32_t wire_u32(const struct wire_frame *f, size_t offset);
void wire_put_u32(uint8_t *at, uint32_t value);

#endif
