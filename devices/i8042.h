/* SPDX-License-Identifier: BSD-3-Clause */
/* The keyboard controller, as far as a reset needs it. */
#ifndef DEVICES_I8042_H
#define DEVICES_I8042_H

#include "vmm/machine.h"

/* 0, or the errors of machine_add_device and machine_add_window. */
int i8042_create(struct machine *m);

#endif
