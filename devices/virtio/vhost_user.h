/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queues of a virtio device that another process serves: the front-end of the vhost-user protocol
 * (docs/interop/vhost-user.rst of QEMU, which defines it). The back-end maps all of the guest's
 * memory, waits for the queues' doorbells, and interrupts by their eventfds.
 *
 * Before the start the two are brought together with a limit of time (vhost_user_init). From then
 * on nobody waits for the back-end: what it is told is written into the socket, and its answers are
 * heard by the I/O thread. One that does not take what it is told, does not answer in time, answers
 * something else, or goes away, is given up: its socket is closed, the device fails, and whoever
 * runs the partition hears of it, once. It is never trusted with more than the memory: a message of
 * it has one size, and descriptors that it sends are never taken. It can make the eventfds that it
 * was given block, as that is a property of files: nobody here reads them so that it would wait,
 * and one is written to, when a queue is set up, only while it is empty.
 *
 * Left out: the back-end's own requests, its configuration space and shared memory, logs of dirty
 * pages, packed queues, errors of single rings (SET_VRING_ERR: back-ends end instead),
 * reconnecting.
 */
#ifndef DEVICES_VIRTIO_VHOST_USER_H
#define DEVICES_VIRTIO_VHOST_USER_H

#include "devices/notice.h"
#include "devices/virtio/virtio.h"

/* More than a back-end takes that stops its queues while its disk is slow. */
#define VHOST_USER_PATIENCE_NS ((uint64_t)5000000000)

#define VHOST_USER_QUEUES_MAX 8

/* Answers that are awaited at once: of each queue one to its start and one to its stop. */
#define VHOST_USER_AWAITED_MAX (2 * VHOST_USER_QUEUES_MAX)

/* Where the guest's memory is for others: DATA is where offset 0 of FD is mapped. */
struct vhost_user_memory {
	int fd;
	const uint8_t *data;
};

/* The only kind of answer there is: a number of 64 bits, or two of 32. */
struct vhost_user_answer {
	uint32_t request, flags, size;
	uint8_t payload[8];
} __attribute__((packed));

struct vhost_user {
	struct virtio_device *device;
	struct notice notice;
	unsigned first, count; /* it serves COUNT queues of the device, from number FIRST on */
	uint64_t features;     /* what the back-end knows; all that it may when there is none */
	uint64_t protocol;     /* protocol features in use */
	uint64_t patience_ns;

	/* The device's lock guards what follows. */
	struct loop_watch socket; /* owned; -1: there is no back-end, or not any more */
	struct loop_watch asked;  /* eventfd: the I/O thread is to look at the time */
	struct loop_timer deadline;
	bool given_up;
	uint64_t running; /* queues that the back-end has, a bit for each of `count` */
	bool resetting;   /* the device waits for the last answer */
	uint32_t awaited[VHOST_USER_AWAITED_MAX]; /* requests whose answers are to come, in order */
	unsigned awaited_count;
	struct vhost_user_answer answer;
	size_t received; /* bytes of it */
};

struct vhost_user_setup {
	struct virtio_device *device; /* after virtio_init, with these queues `served` */
	struct notice notice;
	int fd; /* a stream socket to the back-end, which becomes ours; -1: only see whether the
		   device can be made */
	unsigned first, count;
	struct vhost_user_memory memory;
	uint64_t patience_ns; /* how long an answer may take, and all of vhost_user_init; 0:
				 VHOST_USER_PATIENCE_NS */
};

/*
 * Agrees on features, shows the back-end the guest's memory, and takes the ring features that it
 * does not know from what the device offers. In zeroed memory. 0; -ETIMEDOUT; -EPROTO when the
 * back-end does not speak the protocol; -ECONNRESET when it went away; -EOPNOTSUPP when it lacks
 * virtio 1 or queues; or another negative errno. vhost_user_fini is legal after any, and also
 * without vhost_user_init.
 */
int vhost_user_init(struct vhost_user *u, const struct vhost_user_setup *setup);

/* Before virtio_fini of its device. */
void vhost_user_fini(struct vhost_user *u);

/*
 * All that follow: any thread, under the device's lock.
 *
 * In the class's activate: has the queues that are enabled served. 0, or a negative errno when
 * there is no back-end any more: the device cannot go on.
 */
int vhost_user_start(struct vhost_user *u);

/*
 * In the class's reset, whose result this is: true when no queue is served. Else virtio_reset_done
 * is called when that is so, or the back-end has been given up. In halt the same, but nobody waits.
 */
bool vhost_user_stop(struct vhost_user *u);
void vhost_user_halt(struct vhost_user *u);

/* In the class's call_changed. */
void vhost_user_call_changed(struct vhost_user *u, unsigned queue);

#endif
