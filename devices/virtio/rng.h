/* SPDX-License-Identifier: BSD-3-Clause */
/* The entropy device: the host's random numbers for the guest. */
#ifndef DEVICES_VIRTIO_RNG_H
#define DEVICES_VIRTIO_RNG_H

#include "devices/virtio/virtio.h"

struct virtio_rng_config {
	struct loop *loop; /* the I/O thread's, borrowed; NULL: it will not run */
	int entropy_fd;    /* /dev/random, opened with O_NONBLOCK; borrowed; -1: there is none */
};

/* Makes one, for a transport. 0, or the errors of calloc, virtio_init and loop_timer_init. */
int virtio_rng_create(
	struct machine *m, const struct virtio_rng_config *cfg, struct virtio_device **ret_device);

#endif
