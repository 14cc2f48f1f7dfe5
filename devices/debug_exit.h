/* SPDX-License-Identifier: BSD-3-Clause */
/* The exit port, 0xF4. */
#ifndef DEVICES_DEBUG_EXIT_H
#define DEVICES_DEBUG_EXIT_H

#include "vmm/machine.h"

/* 0, or the errors of machine_add_device and machine_add_window. */
int debug_exit_create(struct machine *m);

#endif
