/* SPDX-License-Identifier: BSD-3-Clause */
/* Debug ports: what is written there is shown, a byte at a time. */
#ifndef DEVICES_TESTDEV_DEBUG_PORT_H
#define DEVICES_TESTDEV_DEBUG_PORT_H

#include "devices/chardev.h"
#include "vmm/machine.h"

/*
 * A debug port NAME at PORT, in front of CHARDEV, which a serial port may have, too; NULL: nobody
 * sees it. Borrowed for the machine's life. 0, or the errors of machine_add_device and _window.
 */
int debug_port_create(struct machine *m, const char *name, uint16_t port, struct chardev *chardev);

#endif
