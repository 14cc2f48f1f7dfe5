/* SPDX-License-Identifier: BSD-3-Clause */
/* The console device: consoles of the guest, and channels of bytes that have names. */
#ifndef DEVICES_VIRTIO_CONSOLE_H
#define DEVICES_VIRTIO_CONSOLE_H

#include "devices/chardev.h"
#include "devices/virtio/virtio.h"

#define VIRTIO_CONSOLE_PORTS 8

struct virtio_console_port_config {
	struct chardev *chardev; /* borrowed for the device's life; NULL: there is no such port */
	const char *name; /* of a channel, borrowed, below 64 bytes; NULL: the port is a console */
};

struct virtio_console_setup {
	struct loop *loop;   /* the I/O thread's, borrowed; NULL: it will not run */
	unsigned port_count; /* 1..VIRTIO_CONSOLE_PORTS */
	struct virtio_console_port_config ports[VIRTIO_CONSOLE_PORTS];
};

/* Makes one, for a transport. 0, or the errors of calloc and virtio_init. */
int virtio_console_create(struct machine *m, const struct virtio_console_setup *cfg,
	struct virtio_device **ret_device);

#endif
