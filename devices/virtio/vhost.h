/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queues of a virtio device that the host's kernel serves: /dev/vhost-net, /dev/vhost-vsock
 * (linux/vhost.h; Documentation of the kernel has no more). It reads and writes guest memory at the
 * rings and buffers, waits for the queues' doorbells, and interrupts by their eventfds; no process
 * of ours wakes up for a request.
 *
 * The kernel takes memory at addresses of the process that was its owner first, and runs its worker
 * in that process's name: vhost_init is called in the partition's process, and before it locks
 * itself down. What is asked of it later is in vhost_runtime_ioctls.
 *
 * Left out: dirty-page logs, IOTLBs, big-endian rings, packed queues, which the kernel has not.
 */
#ifndef DEVICES_VIRTIO_VHOST_H
#define DEVICES_VIRTIO_VHOST_H

#include "devices/virtio/virtio.h"

/* Asks the kernel for REQUEST with ARG. 0 or a negative errno. */
typedef int vhost_ask(int fd, unsigned long request, void *arg);

/* One descriptor of the kernel's. */
struct vhost {
	struct virtio_device *device;
	int fd;                /* borrowed; -1: it will not run */
	unsigned first, count; /* it serves COUNT queues of the device, from number FIRST on */
	vhost_ask *ask;
	uint64_t features;       /* what the kernel knows; all that it may when there is no fd */
	struct loop_watch error; /* its eventfd, which says that a ring is malformed */
	bool started;
};

struct vhost_setup {
	struct virtio_device *device; /* after virtio_init, with these queues `served` */
	int fd;                       /* -1: only see whether the device can be made */
	unsigned first, count;
	vhost_ask *ask; /* NULL: ioctl */
};

/*
 * Makes the calling process the owner, tells the kernel where the guest's memory is, and takes the
 * ring features that it does not know from what the device offers; those of the device's type are
 * the caller's to compare with `features`. In zeroed memory. 0 or a negative errno; vhost_fini is
 * legal after either, and also without vhost_init.
 */
int vhost_init(struct vhost *h, const struct vhost_setup *setup);

/* Before virtio_fini of its device. The kernel serves on until the descriptor is closed. */
void vhost_fini(struct vhost *h);

/*
 * All that follow: the I/O thread; the device `waits`, as the kernel waits for its own worker.
 *
 * In the class's activate: hands over the queues, which must all be enabled, and the features that
 * were negotiated. What makes the kernel serve them is the caller's next step (vhost_request with
 * VHOST_NET_SET_BACKEND, VHOST_VSOCK_SET_RUNNING). 0 or a negative errno: the device cannot go on.
 */
int vhost_start(struct vhost *h);

/*
 * In the class's reset and halt, after the caller has made the kernel stop serving: lets go of the
 * queues. Legal when it was not started.
 */
void vhost_stop(struct vhost *h);

/* In the class's call_changed, whose result this is: QUEUE, a number of the device's, which H
 * serves. */
int vhost_call_changed(struct vhost *h, unsigned queue);

/* Asks the kernel. 0 or a negative errno; -EBADF without a descriptor. */
int vhost_request(const struct vhost *h, unsigned long request, void *arg);

/* What the lock-down of a process with such a device must allow; ends with 0. */
extern const unsigned vhost_runtime_ioctls[];

#endif
