/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffers of a receive queue that were taken ahead of the frames that go into them, so that one
 * readv can put a frame into as many as it takes (VIRTIO_NET_F_MRG_RXBUF). Under the device's lock.
 */
#ifndef DEVICES_VIRTIO_NET_POOL_H
#define DEVICES_VIRTIO_NET_POOL_H

#include "devices/virtio/virtio.h"

/* readv takes no more. */
#define NET_POOL_IOV 1024

struct net_pool {
	unsigned chain_count, iov_count;
	size_t size; /* bytes that they have room for */
	struct net_pool_chain {
		uint16_t id, slots;
		uint32_t size;
		unsigned iov_count;
	} chains[VIRTQ_SIZE_MAX];
	struct iovec
		iov[NET_POOL_IOV]; /* of all chains, in their order; the last one is for readv */
};

/* Without giving them back: after a reset. */
void net_pool_clear(struct net_pool *p);

/*
 * Takes buffers from QUEUE until they have room for NEED bytes: up to MAX of them, and as many as
 * there is room for here. 0; -EAGAIN: there are too few; -EBADMSG.
 */
int net_pool_fill(
	struct net_pool *p, struct virtio_device *v, unsigned queue, unsigned max, size_t need);

/*
 * Gives back to QUEUE the first of them, which SIZE bytes were written to from their beginning on,
 * with how many buffers that are in the header there.
 */
void net_pool_push(struct net_pool *p, struct virtio_device *v, unsigned queue, size_t size);

#endif
