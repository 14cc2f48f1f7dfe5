/* SPDX-License-Identifier: BSD-3-Clause */
/* What virtio.c and virtio_status.c have in common. All under the lock. */
#ifndef DEVICES_VIRTIO_VIRTIO_INTERNAL_H
#define DEVICES_VIRTIO_VIRTIO_INTERNAL_H

#include "devices/virtio/virtio.h"

/* Before DRIVER_OK, and once it has failed, the device touches no queue [VIRTIO 1.2 2.1.2]. */
static inline bool virtio_is_live(const struct virtio_device *v)
{
	return v->live && !v->resetting && !(v->status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static inline bool virtio_queue_is_live(const struct virtio_queue *q)
{
	return q->enabled && virtio_is_live(q->device);
}

static inline unsigned virtio_queue_index(const struct virtio_queue *q)
{
	return (unsigned)(q - q->device->queues);
}

/* The ring and the doorbell go; it is as at first. */
void virtio_queue_reset(struct virtio_queue *q);

/* Before a device is started: who serves queues learns of their eventfds then. */
void virtio_find_calls(struct virtio_device *v);

/* The I/O thread does WHAT; the device `waits`. */
void virtio_put_off(struct virtio_device *v, enum virtio_due what);

/* A part of virtio_init, of a device that waits. 0 or a negative errno. */
int virtio_watch_changes(struct virtio_device *v);

#endif
