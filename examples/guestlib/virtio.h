/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver for virtio devices on PCI, one queue of each, split or packed
 * [VIRTIO 1.2 2.7, 2.8, 4.1]. All functions: CPU 0.
 */
#ifndef GUESTLIB_VIRTIO_H
#define GUESTLIB_VIRTIO_H

#include "guest.h"

#define VIRTIO_ID_BLK 2
#define VIRTIO_ID_RNG 4

#define VIRTIO_STATUS_NEEDS_RESET 0x40

#define VIRTIO_F_VERSION_1   (UINT64_C(1) << 32)
#define VIRTIO_F_RING_PACKED (UINT64_C(1) << 34)

#define VIRTIO_QUEUE_SIZE 16

struct virtio_buffer {
	const void *data;
	uint32_t size;
	bool write; /* by the device */
};

struct virtio_descriptor {
	uint64_t address;
	uint32_t size;
	uint16_t words[2]; /* split: flags, next; packed: id, flags */
};

struct virtio_queue {
	struct virtio_descriptor ring[VIRTIO_QUEUE_SIZE] __attribute__((aligned(16)));
	/* Split: the available ring; packed: what the driver wants to be told of. */
	struct {
		uint16_t flags, index, ring[VIRTIO_QUEUE_SIZE];
	} driver __attribute__((aligned(4)));
	struct {
		uint16_t flags, index;
		struct {
			uint32_t id, size;
		} ring[VIRTIO_QUEUE_SIZE];
	} device __attribute__((aligned(4)));
};

struct virtio {
	unsigned devfn;
	uint64_t common, config, doorbell; /* addresses of registers */
	uint64_t features;                 /* accepted */
	bool packed;
	uint16_t next;  /* entry that comes next; split: free-running */
	uint16_t used;  /* likewise, of those that come back */
	uint16_t added; /* buffers of the request under way */
	bool wrap;      /* packed: the wrap counter */
	struct virtio_queue queue;
};

/*
 * Sets up the first device of this type, with FEATURES of those that it offers, and queue 0;
 * HANDLER is called in interrupt context when it has done something. False when there is none, or
 * it does not take the features.
 */
bool virtio_start(struct virtio *d, unsigned id, uint64_t features, void (*handler)(void));

/* Makes a request of COUNT buffers, to be read first, and rings the doorbell. One at a time. */
void virtio_request(struct virtio *d, const struct virtio_buffer *buffers, unsigned count);

/* Whether it is done; then how many bytes the device has written. */
bool virtio_done(struct virtio *d, uint32_t *ret_size);

uint8_t virtio_status(const struct virtio *d);

#endif
