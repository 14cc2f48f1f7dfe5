/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Differentiated System Description Table [ACPI 6.4 5.2.11.1]: the processors, every device whose
 * class has an ACPI id, PCI, and the power-off state.
 */
#include "acpi/tables.h"
#include "vmm/device.h"
#include "vmm/layout_x86.h"

#include <stdio.h>
#include <string.h>

#define ISA_IRQS 16

#define HID_GENERIC_EVENT "ACPI0013"
#define NOTIFY_PRESSED    0x80 /* [ACPI 6.4 table 5.167] */

/* Processor device [ACPI 6.4 8.4]; _UID is what ties it to its local APIC in the MADT. */
static void processor_emit(struct aml *a, unsigned vcpu)
{
	char name[8];

	snprintf(name, sizeof(name), "CP%02X", vcpu & 0xFF);
	aml_open_device(a, name);
	aml_name(a, "_HID");
	aml_hid(a, "ACPI0007");
	aml_name(a, "_UID");
	aml_integer(a, vcpu);
	aml_close(a);
}

static void resources_emit(struct aml *a, const struct machine *m, const struct device *dev)
{
	aml_name(a, "_CRS");
	aml_open_resources(a);
	for (unsigned i = 0; i < m->window_count; i++) {
		const struct machine_window *w = &m->windows[i];

		if (w->dev != dev)
			continue;
		if (w->space == WINDOW_PORT)
			aml_resource_io(a, w->base, w->size);
		else
			aml_resource_memory(a, w->base, w->size);
	}
	for (unsigned i = 0; i < m->irq_count; i++) {
		const struct machine_irq *irq = &m->irqs[i];

		if (irq->dev != dev)
			continue;
		if (irq->gsi < ISA_IRQS && !irq->level)
			aml_resource_isa_irq(a, irq->gsi);
		else
			aml_resource_interrupt(a, irq->gsi, irq->level);
	}
	aml_close(a);
}

/*
 * What a Generic Event Device has beside its interrupt: a control method power button [ACPI 6.4
 * 4.8.3.3], and the event method that tells the guest of its being pressed [5.6.9.3].
 */
static void power_button_emit(struct aml *a)
{
	aml_open_device(a, "PWRB");
	aml_name(a, "_HID");
	aml_hid(a, "PNP0C0C");
	aml_name(a, "_UID");
	aml_integer(a, 0);
	aml_close(a);
}

static void event_method_emit(struct aml *a)
{
	aml_open_method(a, "_EVT", 1);
	aml_notify(a, "PWRB", NOTIFY_PRESSED);
	aml_close(a);
}

static void device_emit(struct aml *a, const struct machine *m, const struct device *dev)
{
	bool events = strcmp(dev->cls->acpi_hid, HID_GENERIC_EVENT) == 0;

	if (events)
		power_button_emit(a);
	aml_open_device(a, dev->name);
	aml_name(a, "_HID");
	aml_hid(a, dev->cls->acpi_hid);
	aml_name(a, "_UID");
	aml_integer(a, dev->uid);
	resources_emit(a, m, dev);
	if (events)
		event_method_emit(a);
	aml_close(a);
}

/* \_S5 [ACPI 6.4 7.4.2.6]: SLP_TYP for the sleep control register; the rest is reserved here. */
static void s5_emit(struct aml *a)
{
	aml_name(a, "_S5");
	aml_open_package(a, 4);
	aml_integer(a, X86_SLEEP_TYPE_S5);
	for (unsigned i = 1; i < 4; i++)
		aml_integer(a, 0);
	aml_close(a);
}

void dsdt_emit(struct aml *a, const struct acpi_context *ctx)
{
	const struct machine *m = ctx->machine;

	aml_open_scope(a, "_SB");
	for (unsigned i = 0; i < m->vcpus; i++)
		processor_emit(a, i);
	for (unsigned i = 0; i < m->device_count; i++) {
		if (m->devices[i]->cls->acpi_hid)
			device_emit(a, m, m->devices[i]);
	}
	pci_emit(a, m);
	aml_close(a);
	s5_emit(a);
}
