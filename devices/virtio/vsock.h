/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket device: stream and seqpacket sockets between the guest and the host. */
#ifndef DEVICES_VIRTIO_VSOCK_H
#define DEVICES_VIRTIO_VSOCK_H

#include "devices/virtio/vhost.h"

struct vsock_config {
	struct loop *loop; /* the I/O thread's, borrowed; NULL: it will not run */
	int vhost_fd;      /* /dev/vhost-vsock, which has the cid already; borrowed; -1: none */
	uint64_t cid;      /* the guest's address */
	vhost_ask *ask;    /* NULL: ioctl */
};

/* Makes one, for a transport. 0, or the errors of calloc, virtio_init and vhost_init. */
int virtio_vsock_create(
	struct machine *m, const struct vsock_config *cfg, struct virtio_device **ret_device);

/* What the lock-down of a process with such a device must allow, beside vhost_runtime_ioctls; ends
 * with 0. */
extern const unsigned virtio_vsock_runtime_ioctls[];

#endif
