/* SPDX-License-Identifier: BSD-3-Clause */
/* The devices that a plan names, made from what the supervisor has opened for them. */
#ifndef PARTITION_DEVICES_H
#define PARTITION_DEVICES_H

#include "devices/notice.h"
#include "devices/virtio/vhost_user.h"
#include "lib/diag.h"
#include "lib/loop.h"
#include "partition/protocol.h"
#include "plan/plan.h"
#include "vmm/machine.h"

struct partition_devices {
	const struct plan_partition *plan;
	/* The I/O thread's, and descriptors as in struct partition_launch; both borrowed for the
	 * machine's life. NULL: only see whether the devices can be made, they will not run. */
	struct loop *loop;
	struct chardev *const *ports; /* by plan_port's numbers; borrowed likewise */
	const int32_t (*fds)[DEVICE_FDS_MAX];
	const uint16_t *mtus;              /* likewise */
	const int32_t *region_fds;         /* likewise */
	const struct notice_sink *notices; /* borrowed, likewise */
	struct vhost_user_memory memory;   /* the guest's, for who serves a device; borrowed */
	bool *ret_disk_threads;            /* set to true when a disk is served by threads */
};

/* True when the machine of P needs a PCI host bridge. */
bool partition_wants_pci(const struct plan_partition *p);

/*
 * Adds the devices to M, whose own are there. 0, or -EINVAL or another negative errno with an error
 * in DIAGS.
 */
int partition_add_devices(
	const struct partition_devices *req, struct machine *m, struct diags *diags);

#endif
