/* SPDX-License-Identifier: BSD-3-Clause */
/* The block device: a disk, of which a raw file or a block device of the host has the bytes. */
#ifndef DEVICES_VIRTIO_BLK_H
#define DEVICES_VIRTIO_BLK_H

#include "devices/notice.h"
#include "devices/virtio/virtio.h"

#define VIRTIO_BLK_QUEUES_MAX 8
#define VIRTIO_BLK_SERIAL_MAX 20 /* bytes [VIRTIO 1.2 5.2.6.2] */

struct virtio_blk_setup {
	struct loop *loop; /* the I/O thread's, borrowed; NULL: it will not run */
	struct notice notice;
	int fd;        /* the file, opened as `readonly` says; borrowed */
	int direct_fd; /* the same with O_DIRECT; borrowed; -1: all goes through the page cache */
	uint64_t size; /* bytes, of which whole sectors count */
	bool readonly;
	bool discard;       /* the guest may give up what it does not need */
	unsigned queues;    /* 1..VIRTIO_BLK_QUEUES_MAX */
	const char *serial; /* copied; NULL: none */
	bool pinned;        /* the guest's memory stays in place */
	bool no_uring;      /* for tests: as on a host without io_uring */
};

/* Makes one, for a transport. 0, or the errors of calloc, virtio_init and blk_io_create. */
int virtio_blk_create(
	struct machine *m, const struct virtio_blk_setup *setup, struct virtio_device **ret_device);

/* Threads serve it, for the host has no io_uring. */
bool virtio_blk_has_threads(const struct virtio_device *v);

#endif
