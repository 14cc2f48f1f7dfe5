/* SPDX-License-Identifier: BSD-3-Clause */
/* The power button: of ACPI on x86, on a GPIO pin on arm64. */
#ifndef DEVICES_POWER_BUTTON_H
#define DEVICES_POWER_BUTTON_H

#include "vmm/machine.h"

/* x86. 0, or the errors of machine_add_device and machine_add_irq. */
int power_button_create(struct machine *m);

/*
 * Presses the button of M: a guest that handles it switches itself off. Any thread, while M's VM is
 * there. False when M has no power button.
 */
bool power_button_press(const struct machine *m);

/*
 * Lets go of it, POWER_BUTTON_NS after it was pressed: a guest that debounces it looks again some
 * milliseconds after the press. False when the guest has not taken notice of the press yet, so that
 * it is held on; try again as much later.
 */
#define POWER_BUTTON_NS 100000000 /* QEMU's */
bool power_button_release(const struct machine *m);

#endif
