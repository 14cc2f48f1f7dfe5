/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver of ivshmem version 2 (<bulkhead/ivshmem.h>): memory shared with other partitions. Its
 * memory is read and written by the guest as any other, but that what a peer writes may change at
 * any time: copy, then look. CPU 0.
 */
#ifndef GUESTLIB_IVSHMEM_H
#define GUESTLIB_IVSHMEM_H

#include "guest.h"

#include <bulkhead/ivshmem.h>

struct ivshmem {
	unsigned devfn;
	uint64_t registers; /* address */
	unsigned protocol;
	unsigned id, peers; /* which peer this is, of how many */
	unsigned vectors;
	volatile uint32_t
		*states;     /* one for each peer; nobody writes them but by ivshmem_set_state */
	uint8_t *read_write; /* of all peers; NULL: there is none */
	uint64_t read_write_size;
	uint8_t *outputs; /* one for each peer, who alone writes it */
	uint64_t output_size;
};

/* Finds the I-th such function and makes its memory reachable. False: there is none. */
bool ivshmem_open(unsigned i, struct ivshmem *ret_device);

static inline uint8_t *ivshmem_output(const struct ivshmem *d, unsigned peer)
{
	return d->outputs + peer * d->output_size;
}

/*
 * HANDLER is called in interrupt context for VECTOR, once interrupts are on (ivshmem_enable).
 * Vector 0 also tells that a state has changed. False: no such vector.
 */
bool ivshmem_on(const struct ivshmem *d, unsigned vector, void (*handler)(void));

/* Interrupts on or off: what comes while they are off is lost. One-shot: each turns them off. */
void ivshmem_enable(const struct ivshmem *d, bool on);
void ivshmem_set_one_shot(const struct ivshmem *d, bool on);

/* What was written before is there when the peer is interrupted. */
void ivshmem_ring(const struct ivshmem *d, unsigned peer, unsigned vector);

/* The peers find it in d->states, and are interrupted when it is another than before. */
void ivshmem_set_state(const struct ivshmem *d, uint32_t state);

#endif
