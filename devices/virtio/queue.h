/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtqueues, the device's side: split [VIRTIO 1.2 2.7] and packed [VIRTIO 1.2 2.8] behind one
 * interface, with indirect descriptors and event index.
 *
 * The rings are memory that the guest writes at any time. Where they are is checked once, when the
 * queue is set up; what is in them is copied once and then checked, each time. A driver that breaks
 * the rules gets -EBADMSG, and can do nothing else: every walk is bounded by a constant, and no
 * pointer outside the guest's memory leaves this layer. After -EBADMSG the queue is not used again
 * until it is set up anew.
 *
 * Threads: one at a time, which is what the device's lock (devices/virtio/virtio.h) is for. The
 * driver is another thread that takes no lock; what is ordered against it is said where it is done.
 *
 * Left out: VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA. Hosts are little-endian, as the rings.
 */
#ifndef DEVICES_VIRTIO_QUEUE_H
#define DEVICES_VIRTIO_QUEUE_H

#include "vmm/gmem.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stddef.h>
#include <sys/uio.h>

/* Entries of a ring; what usual drivers take, too. */
#define VIRTQ_SIZE_MAX 256

/*
 * Buffers of one chain, and descriptors of one indirect table. A driver must not make longer chains
 * than the queue has entries [VIRTIO 1.2 2.7.5.3.1]; Linux does, with indirect tables in a queue
 * that it made small, but not beyond what the device's configuration lets it.
 */
#define VIRTQ_IOV_MAX 256

/* The features that shape a queue. */
#define VIRTQ_FEATURES                                                                             \
	((uint64_t)1 << VIRTIO_RING_F_INDIRECT_DESC | (uint64_t)1 << VIRTIO_RING_F_EVENT_IDX |     \
		(uint64_t)1 << VIRTIO_F_RING_PACKED)

/* A request of the driver: memory to read, then memory to write. */
struct virtq_chain {
	uint16_t id;                           /* the driver's name for it: any number, no index */
	uint16_t slots;                        /* entries of the ring that it takes */
	unsigned readable, writable;           /* how many of iov */
	uint32_t readable_size, writable_size; /* bytes; the sum fits 32 bits */
	struct iovec iov[VIRTQ_IOV_MAX]; /* the readable ones, then the writable ones; none empty */
};

struct virtq_layout {
	uint16_t size;     /* entries */
	uint64_t features; /* negotiated */
	gpa_t desc;        /* descriptor area */
	gpa_t driver;      /* driver area: available ring, or driver event suppression */
	gpa_t device;      /* device area: used ring, or device event suppression */
};

struct virtq_format;

struct virtq {
	const struct virtq_format *format;
	const struct gmem *gmem;
	uint8_t *desc, *driver, *device; /* the areas, wholly in guest memory */
	uint16_t size;
	bool indirect, event_idx;
	uint16_t next_avail, next_used; /* split: free-running; packed: entry of the ring */
	bool avail_wrap, used_wrap;     /* packed: the wrap counters that go with them */
	uint16_t in_flight;             /* split: chains, packed: entries; popped and not pushed */
	uint16_t unsignalled;           /* the same; pushed since the driver was last thought of */
};

/*
 * Sets up a queue. 0; -EINVAL when the size is 0, above VIRTQ_SIZE_MAX or no power of two where it
 * must be one, or an area is not aligned; -EFAULT when an area is not wholly in guest memory. G is
 * borrowed.
 */
int virtq_init(struct virtq *q, const struct gmem *g, const struct virtq_layout *layout);

/*
 * Takes the next request. 0; -EAGAIN when there is none; -EBADMSG when the ring or the chain is
 * malformed. *RET_CHAIN, which is large, is what it is worked on, and undefined after an error.
 */
int virtq_pop(struct virtq *q, struct virtq_chain *ret_chain);

/* Puts back C, which was popped last: the next virtq_pop gives it again. */
void virtq_unpop(struct virtq *q, const struct virtq_chain *c);

/*
 * Gives back C, popped from Q and not given back, with WRITTEN bytes written from the start of its
 * writable part. In any order.
 */
void virtq_push(struct virtq *q, const struct virtq_chain *c, uint32_t written);

/* A chain that is given back. */
struct virtq_used {
	uint16_t id, slots; /* as in struct virtq_chain */
	uint32_t written;
};

/* Gives back COUNT chains at once: the driver sees all of them, or none yet. */
void virtq_push_all(struct virtq *q, const struct virtq_used *used, unsigned count);

/* Whether the driver wants to be told of what was pushed since this was last asked. */
bool virtq_interrupt_needed(struct virtq *q);

/* Tells the driver that notifications are not needed for now; some may still come. */
void virtq_kicks_stop(struct virtq *q);

/* Asks for them again. True when requests came meanwhile, of which there may be none: pop again. */
bool virtq_kicks_start(struct virtq *q);

/*
 * Copies up to SIZE bytes from OFFSET into the readable part, or to OFFSET of the writable part.
 * How many: less than SIZE where the part ends.
 */
size_t virtq_chain_read(const struct virtq_chain *c, size_t offset, void *buf, size_t size);
size_t virtq_chain_write(const struct virtq_chain *c, size_t offset, const void *buf, size_t size);

/*
 * The bytes [OFFSET, OFFSET + SIZE) of COUNT buffers IOV, as buffers: cut where the whole ends.
 * How many they are; RET_IOV has room for COUNT.
 */
unsigned virtq_iov_slice(
	const struct iovec *iov, unsigned count, size_t offset, size_t size, struct iovec *ret_iov);

#endif
