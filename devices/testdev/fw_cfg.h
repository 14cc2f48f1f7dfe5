/* SPDX-License-Identifier: BSD-3-Clause */
/* QEMU's firmware configuration device. */
#ifndef DEVICES_TESTDEV_FW_CFG_H
#define DEVICES_TESTDEV_FW_CFG_H

#include "vmm/machine.h"

#include <stddef.h>

/*
 * Makes the device of M, whose RAM is laid out, with what it tells of the machine. 0, or the errors
 * of machine_add_device and _window; -ENOMEM.
 */
int fw_cfg_create(struct machine *m);

struct fw_cfg_boot {
	const uint8_t *kernel; /* the image as its file has it */
	size_t kernel_size;
	const uint8_t *initrd;
	size_t initrd_size; /* 0: none */
	const char *cmdline;
};

/*
 * Has M's device tell of BOOT, all of which is copied. Once, before the first vCPU runs. 0; -ENODEV
 * when there is no such device; -EFBIG when something has 4 GiB; -ENOMEM.
 */
int fw_cfg_add_boot(struct machine *m, const struct fw_cfg_boot *boot);

#endif
