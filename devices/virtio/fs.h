/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system device: a folder of the host, which the guest mounts by its tag. */
#ifndef DEVICES_VIRTIO_FS_H
#define DEVICES_VIRTIO_FS_H

#include "devices/virtio/vhost_user.h"

#define VIRTIO_FS_TAG_MAX 36 /* bytes [VIRTIO 1.2 5.11.4] */

struct fs_config {
	struct loop *loop; /* the I/O thread's, borrowed; NULL: it will not run */
	int socket_fd;   /* to the process that has the files (virtiofsd); becomes ours; -1: none */
	const char *tag; /* up to VIRTIO_FS_TAG_MAX bytes */
	struct vhost_user_memory memory;
	struct notice notice;
	uint64_t patience_ns; /* with its server; 0: the usual */
};

/* Makes one, for a transport. 0, or the errors of calloc, virtio_init and vhost_user_init. */
int virtio_fs_create(
	struct machine *m, const struct fs_config *cfg, struct virtio_device **ret_device);

#endif
