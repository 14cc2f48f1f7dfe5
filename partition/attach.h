/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest has written to a serial port of late, and consoles attached to it: stream sockets
 * that get that, then what it writes. Several read; one at a time writes. All read from the one
 * history, so that a client costs no memory of its own and one that does not read loses its own
 * bytes only. The I/O thread's.
 */
#ifndef PARTITION_ATTACH_H
#define PARTITION_ATTACH_H

#include "lib/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a late client still gets to see, bytes. */
#define ATTACH_HISTORY 65536

/* A port is watched by a user or two and a recorder; each client costs one watch of the loop. */
#define ATTACH_CLIENTS_MAX 8

struct attach;

struct attach_config {
	struct loop *loop;
	/*
	 * Bytes that a client typed; how many of them were taken. The rest, and whatever comes
	 * after it, stays with the client until attach_room. DATA NULL asks for how many of N would
	 * be taken now.
	 */
	size_t (*input)(void *ctx, const uint8_t *data, size_t n);
	/* True when the port gets its input from somewhere else. */
	bool (*input_taken)(void *ctx);
	void *ctx;
};

/* 0 or -ENOMEM. CONFIG is copied. */
int attach_create(const struct attach_config *config, struct attach **ret_attach);

/* Closes what is attached. NULL is legal. */
void attach_destroy(struct attach *a);

/* The guest has written N bytes. */
void attach_output(struct attach *a, const uint8_t *data, size_t n);

/* Bytes that the guest has written so far: the position of the next one. */
uint64_t attach_position(const struct attach *a);

/* The longest contiguous run of the history from POSITION on, which is in it; 0 at its end. */
size_t attach_peek(const struct attach *a, uint64_t position, const uint8_t **ret_data);

/*
 * Attaches FD, a stream socket, which is ours from here on, failed or not. WRITER: what it sends is
 * for the guest, unless somebody else has the input. 0; -ENOSPC when there are too many; or what
 * loop_watch said.
 */
int attach_add(struct attach *a, int fd, bool writer);

/* Input is taken again. */
void attach_room(struct attach *a);

/* Gives every client what it takes without waiting, and closes it. */
void attach_finish(struct attach *a);

unsigned attach_count(const struct attach *a);

#endif
