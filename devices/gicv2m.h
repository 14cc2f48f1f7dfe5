/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame that takes messages where a GIC has no ITS. */
#ifndef DEVICES_GICV2M_H
#define DEVICES_GICV2M_H

#include "vmm/machine.h"

/* 0, or the errors of machine_add_device and machine_add_window. */
int gicv2m_create(struct machine *m);

#endif
