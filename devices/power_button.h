/* SPDX-License-Identifier: BSD-3-Clause */
/* The ACPI power button. */
#ifndef DEVICES_POWER_BUTTON_H
#define DEVICES_POWER_BUTTON_H

#include "vmm/machine.h"

/* 0, or the errors of machine_add_device and machine_add_irq. */
int power_button_create(struct machine *m);

/*
 * Presses the button of M: a guest that handles it switches itself off. Any thread, while M's VM is
 * there. False when M has no power button.
 */
bool power_button_press(const struct machine *m);

#endif
