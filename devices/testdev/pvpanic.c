/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paravirtual panic device [QEMU docs/specs/pvpanic]: one register of 8 bits, which reads as the
 * events that it takes and is written by a guest's kernel when one has happened: bit 0, it has
 * panicked; bit 1, it has crashed and starts the kernel that it keeps for that case. Either ends
 * the partition, as failed. Left out: bit 2, a shutdown, for which there is ACPI.
 */
#include "devices/testdev/pvpanic.h"

#include "devices/common.h"
#include "devices/pci/pci.h"
#include "vmm/layout_x86.h"

#define PANICKED     (1u << 0)
#define CRASH_LOADED (1u << 1)

/* Red Hat's ids, as QEMU's function has them. */
#define VENDOR_ID           0x1B36
#define DEVICE_ID           0x0011
#define SUBSYSTEM_VENDOR_ID 0x1AF4
#define SUBSYSTEM_ID        0x1100
#define CLASS_CODE          0x088000 /* base system peripheral, of no other kind */
#define BAR_SIZE            16       /* the smallest there is */

static uint64_t pvpanic_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	(void)dev, (void)index, (void)size;
	return offset ? 0 : PANICKED | CRASH_LOADED;
}

static void pvpanic_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	const struct machine_services *services = &dev->machine->services;

	(void)index, (void)size;
	if (offset)
		return;
	if (value & PANICKED)
		services->end(services->ctx, END_PANIC, 0, "guest panicked (pvpanic)");
	else if (value & CRASH_LOADED)
		services->end(services->ctx, END_PANIC, 0,
			"guest crashed into its crash kernel (pvpanic)");
}

static const struct device_class pvpanic_port_class = {
	.name = "pvpanic",
	.acpi_hid = "QEMU0001",
	.read = pvpanic_read,
	.write = pvpanic_write,
	.destroy = device_free,
};

int pvpanic_port_create(struct machine *m)
{
	struct device *dev;
	int ret = device_create(m, &pvpanic_port_class, "PEVT", sizeof(*dev), &dev);

	return ret ? ret : machine_add_window(m, WINDOW_PORT, X86_PORT_PVPANIC, 1, dev, 0);
}

static const struct device_class pvpanic_pci_class = {
	.name = "pvpanic_pci",
	.read = pvpanic_read,
	.write = pvpanic_write,
	.destroy = pci_function_free,
};

int pvpanic_pci_create(struct machine *m)
{
	static const struct pci_setup setup = {
		.cls = &pvpanic_pci_class,
		.name = "PVP",
		.size = sizeof(struct pci_function),
		.vendor = VENDOR_ID,
		.device = DEVICE_ID,
		.subsystem_vendor = SUBSYSTEM_VENDOR_ID,
		.subsystem = SUBSYSTEM_ID,
		.revision = 1,
		.class_code = CLASS_CODE,
	};
	struct pci_function *f;
	int ret = pci_function_create(m, &setup, &f);

	if (!ret)
		ret = pci_function_add_bar(f, 0, PCI_BAR_MEM32, BAR_SIZE);
	return ret ? ret : pci_function_add(f, PCI_DEVFN_ANY);
}
