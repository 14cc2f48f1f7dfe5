/* SPDX-License-Identifier: BSD-3-Clause */
/* The network device: Ethernet frames between the guest and a tap device, or a program's socket. */
#ifndef DEVICES_VIRTIO_NET_H
#define DEVICES_VIRTIO_NET_H

#include "devices/notice.h"
#include "devices/virtio/vhost.h"

#define VIRTIO_NET_PAIRS_MAX 4 /* pairs of queues */
#define VIRTIO_NET_MAC_SIZE  6

enum virtio_net_backend {
	VIRTIO_NET_TAP, /* queues of a tap device: IFF_NO_PI, IFF_VNET_HDR of 12 bytes, no offloads
			 */
	VIRTIO_NET_STREAM, /* a connected stream socket: frames after their length; one pair */
};

struct virtio_net_setup {
	struct loop *loop; /* the I/O thread's, borrowed; NULL: it will not run */
	enum virtio_net_backend backend;
	uint8_t mac[VIRTIO_NET_MAC_SIZE];
	uint16_t mtu;                  /* of the network, which the driver is told; 0: not known */
	unsigned pairs;                /* 1..VIRTIO_NET_PAIRS_MAX */
	int fds[VIRTIO_NET_PAIRS_MAX]; /* one for each pair, that do not block; borrowed */
	/* /dev/vhost-net for each pair, whose frames the kernel moves then; all -1: it does not. */
	int vhost_fds[VIRTIO_NET_PAIRS_MAX];
	vhost_ask *ask; /* as in struct vhost_setup */
	struct notice notice;
};

/* What the lock-down of a process with such a device must allow beside vhost_runtime_ioctls. */
extern const unsigned virtio_net_runtime_ioctls[];

/*
 * Makes one, for a transport. 0, or the errors of calloc, fcntl, virtio_init, loop_timer_init,
 * vhost_init.
 */
int virtio_net_create(
	struct machine *m, const struct virtio_net_setup *setup, struct virtio_device **ret_device);

#endif
