/* SPDX-License-Identifier: BSD-3-Clause */
/* The reset control register, port 0xCF9. */
#ifndef DEVICES_RESET_PORT_H
#define DEVICES_RESET_PORT_H

#include "vmm/machine.h"

/* 0, or the errors of machine_add_device and machine_add_window. */
int reset_port_create(struct machine *m);

#endif
