/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sleep control and sleep status registers of a hardware-reduced machine [ACPI 6.4 4.8.3.7].
 *
 * SLP_EN with the SLP_TYP of \_S5 switches off. There is no other sleep state: a guest that asks
 * for one does not sleep, and finds WAK_STS set as if it had woken at once, so that one that waits
 * for it goes on.
 */
#include "devices/acpi_pm.h"

#include "devices/common.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

#include <stdatomic.h>

enum { REG_CONTROL, REG_STATUS };
#define PORTS 2
_Static_assert(X86_PORT_SLEEP_STS == X86_PORT_SLEEP_CTRL + REG_STATUS, "one window");

#define SLP_TYP_SHIFT 2
#define SLP_TYP_MASK  0x1C
#define SLP_EN        0x20 /* reads as 0 */
#define WAK_STS       0x80 /* write 1 to clear */

struct acpi_pm {
	struct device dev;
	_Atomic uint8_t control;
	_Atomic uint8_t status;
};

static uint8_t reg_read(struct device *dev, uint64_t offset)
{
	struct acpi_pm *pm = container_of(dev, struct acpi_pm, dev);

	return atomic_load(offset == REG_CONTROL ? &pm->control : &pm->status);
}

static void reg_write(struct device *dev, uint64_t offset, uint8_t value)
{
	struct acpi_pm *pm = container_of(dev, struct acpi_pm, dev);
	const struct machine_services *services = &dev->machine->services;

	if (offset == REG_STATUS) {
		atomic_fetch_and(&pm->status, (uint8_t) ~(value & WAK_STS));
		return;
	}
	atomic_store(&pm->control, value & SLP_TYP_MASK);
	if (!(value & SLP_EN))
		return;
	if ((value & SLP_TYP_MASK) >> SLP_TYP_SHIFT == X86_SLEEP_TYPE_S5)
		services->end(services->ctx, END_POWER_OFF, 0, "ACPI sleep register");
	else
		atomic_fetch_or(&pm->status, WAK_STS);
}

static uint64_t acpi_pm_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	(void)index;
	return bytewise_read(dev, offset, size, reg_read);
}

static void acpi_pm_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	(void)index;
	bytewise_write(dev, offset, size, value, reg_write);
}

static const struct device_class acpi_pm_class = {
	.name = "acpi_pm",
	.read = acpi_pm_read,
	.write = acpi_pm_write,
	.destroy = device_free,
};

int acpi_pm_create(struct machine *m)
{
	struct device *dev;
	int ret = device_create(m, &acpi_pm_class, "ACPIPM", sizeof(struct acpi_pm), &dev);

	if (!ret)
		ret = machine_add_window(m, WINDOW_PORT, X86_PORT_SLEEP_CTRL, PORTS, dev, 0);
	return ret;
}
