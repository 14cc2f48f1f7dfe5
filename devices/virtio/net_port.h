/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is behind one pair of queues of a network device: a queue of a tap device, or a stream
 * socket to a program. Whole frames go in and out, each after a struct virtio_net_hdr_v1.
 *
 * All is called by the I/O thread. Nothing blocks but offloads and activate, which wait for the
 * host's lock of its networks, and are called without the device's.
 */
#ifndef DEVICES_VIRTIO_NET_PORT_H
#define DEVICES_VIRTIO_NET_PORT_H

#include "devices/virtio/queue.h"

#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define NET_HEADER_SIZE sizeof(struct virtio_net_hdr_v1)

/* The longest frame, which is one of segmentation offload [VIRTIO 1.2 5.1.6.3.1]. */
#define NET_FRAME_MAX 65550

/* Buffers of a frame to be sent. */
#define NET_IOV_MAX VIRTQ_IOV_MAX

struct net_port;

struct net_port_ops {
	/*
	 * How many bytes the next frame takes at most, with its header; -EAGAIN: none is there, and
	 * the descriptor tells when; -EPIPE: none will come any more.
	 */
	ssize_t (*next)(struct net_port *p);

	/*
	 * Puts the next frame and its header, but for the number of buffers, into ROOM bytes of
	 * IOV, which has an unused element behind its COUNT. How many bytes it took; more than
	 * ROOM: there were more, and it is lost; or as next, or -EIO: it is lost.
	 */
	ssize_t (*receive)(struct net_port *p, struct iovec *iov, unsigned count, size_t room);

	/*
	 * Sends a header and a frame, SIZE bytes. 0; -EAGAIN: not now, the descriptor tells when;
	 * -EIO: it is lost; -EPIPE: so are all that follow.
	 */
	int (*send)(struct net_port *p, const struct iovec *iov, unsigned count, size_t size);

	/* Sends what is left of frames that were sent. 0, -EAGAIN, -EPIPE. NULL: nothing ever is.
	 */
	int (*flush)(struct net_port *p);

	/* The driver takes frames with what these of its features mean. NULL: there are none. */
	int (*offloads)(struct net_port *p, uint64_t features);

	/* Frames come from here, or go to other ports of this device. NULL: there is but one. */
	int (*activate)(struct net_port *p, bool on);

	void (*destroy)(struct net_port *p);
};

/* 0 or -ENOMEM. FD is borrowed, and does not block; MTU: the longest frame is of, without offload.
 */
int net_tap_create(int fd, unsigned mtu, struct net_port **ret_port);
int net_stream_create(int fd, struct net_port **ret_port);

struct net_port {
	const struct net_port_ops *ops;
	int fd;
};

#endif
