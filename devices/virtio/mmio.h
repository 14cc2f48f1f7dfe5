/* SPDX-License-Identifier: BSD-3-Clause */
/* virtio devices at fixed addresses, without a bus. */
#ifndef DEVICES_VIRTIO_MMIO_H
#define DEVICES_VIRTIO_MMIO_H

#include "devices/virtio/virtio.h"

#define VIRTIO_MMIO_SIZE 0x200 /* bytes of its window */

struct virtio_mmio_config {
	const char *name; /* "VR00" */
	gpa_t base;
	uint32_t gsi; /* a level-triggered line of its own */
};

/*
 * Gives the virtio device V a place in M. V belongs to M from here on, and is destroyed also when
 * this fails. 0, or the errors of machine_add_device, machine_add_window and machine_add_irq.
 */
int virtio_mmio_create(
	struct machine *m, const struct virtio_mmio_config *cfg, struct virtio_device *v);

#endif
