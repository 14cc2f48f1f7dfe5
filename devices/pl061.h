/* SPDX-License-Identifier: BSD-3-Clause */
/* The GPIO controller of the arm64 machine. */
#ifndef DEVICES_PL061_H
#define DEVICES_PL061_H

#include "vmm/machine.h"

#include <stdbool.h>

#define PL061_PINS 8

/* 0, or the errors of machine_add_device, machine_add_window and machine_add_irq. */
int pl061_create(struct machine *m);

/* Drives PIN of M's controller from outside. False when M has none. Any thread. */
bool pl061_drive(const struct machine *m, unsigned pin, bool high);

/*
 * Whether the guest wants an interrupt from PIN by edge and has not taken one that there is. One by
 * level stays until the pin's level changes, and tells nothing about the guest. Any thread.
 */
bool pl061_pending(const struct machine *m, unsigned pin);

#endif
