/* SPDX-License-Identifier: BSD-3-Clause */
/* The FIFO of a UART: up to 16 bytes, of which a device may use fewer. The device locks it. */
#ifndef DEVICES_FIFO_H
#define DEVICES_FIFO_H

#include <stdbool.h>
#include <stdint.h>

#define FIFO_SIZE 16

struct fifo {
	uint8_t bytes[FIFO_SIZE];
	unsigned head;
	unsigned count;
};

static inline void fifo_clear(struct fifo *f)
{
	f->head = 0;
	f->count = 0;
}

/* False when DEPTH bytes (at most FIFO_SIZE) are queued already. */
static inline bool fifo_push(struct fifo *f, unsigned depth, uint8_t byte)
{
	if (f->count >= depth)
		return false;
	f->bytes[(f->head + f->count++) % FIFO_SIZE] = byte;
	return true;
}

/* The oldest byte; the FIFO is not empty. */
static inline uint8_t fifo_pop(struct fifo *f)
{
	uint8_t byte = f->bytes[f->head];

	f->head = (f->head + 1) % FIFO_SIZE;
	f->count--;
	return byte;
}

#endif
