/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtio console that QEMU's chr-testdev is behind, in the last place of virt's. */
#ifndef DEVICES_TESTDEV_CHR_CONSOLE_H
#define DEVICES_TESTDEV_CHR_CONSOLE_H

#include "vmm/machine.h"

/* For an arm64 machine. 0, or the errors of machine_add_device, _window and _irq. */
int chr_console_create(struct machine *m);

#endif
