/* SPDX-License-Identifier: BSD-3-Clause */
/* The POST code port, 0x80. */
#ifndef DEVICES_POST_PORT_H
#define DEVICES_POST_PORT_H

#include "vmm/machine.h"

/* 0, or the errors of machine_add_device and machine_add_window. */
int post_port_create(struct machine *m);

#endif
