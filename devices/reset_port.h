/* SPDX-License-Identifier: BSD-3-Clause */
/* The reset control register, port 0xCF9, and the reset vector, which writes to it. */
#ifndef DEVICES_RESET_PORT_H
#define DEVICES_RESET_PORT_H

#include "vmm/machine.h"

/*
 * M's guest memory must be there. 0, or the errors of machine_add_device, machine_add_window,
 * machine_claim and gmem_write.
 */
int reset_port_create(struct machine *m);

#endif
