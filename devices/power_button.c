/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The power button. On x86 it is that of a hardware-reduced ACPI machine: a Generic Event Device
 * [ACPI 6.4 5.6.9] with one interrupt, by edge, whose event method notifies a control method power
 * button [ACPI 6.4 4.8.3.3]; acpi/dsdt.c writes both. It has no registers, and only its press
 * counts. On arm64 it is a key on a pin of the GPIO controller, high while it is pressed.
 */
#include "devices/power_button.h"

#include "devices/common.h"
#include "devices/pl061.h"
#include "vmm/layout_arm64.h"
#include "vmm/layout_x86.h"

static const struct device_class power_button_class = {
	.name = "power_button",
	.acpi_hid = "ACPI0013",
	.destroy = device_free,
};

int power_button_create(struct machine *m)
{
	struct device *dev;
	int ret = device_create(m, &power_button_class, "GED", sizeof(*dev), &dev);

	return ret ? ret : machine_add_irq(m, dev, X86_IRQ_POWER_BUTTON, false);
}

bool power_button_press(const struct machine *m)
{
	const struct machine_services *services = &m->services;

	if (!device_find(m, &power_button_class))
		return pl061_drive(m, ARM64_GPIO_POWER_BUTTON, true);
	services->irq_set(services->ctx, X86_IRQ_POWER_BUTTON, true);
	services->irq_set(services->ctx, X86_IRQ_POWER_BUTTON, false);
	return true;
}

bool power_button_release(const struct machine *m)
{
	if (pl061_pending(m, ARM64_GPIO_POWER_BUTTON))
		return false;
	pl061_drive(m, ARM64_GPIO_POWER_BUTTON, false);
	return true;
}
