/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tables say of PCI, where the machine has a host bridge: its device with the apertures
 * and the wiring of INTx [ACPI 6.4 6.2.13, 6.4.3.5], and where ECAM is [PCI Firmware 3.3 4.1].
 * There is no _OSC: native control of PCI Express features has no features to control.
 */
#include "acpi/tables.h"
#include "vmm/device.h"
#include "vmm/layout_x86.h"

#include <string.h>

#define DEVICES     32
#define CONFIG_SIZE 8 /* ports of configuration mechanism 1 */
#define BUS_SHIFT   20

#define HID_MOTHERBOARD "PNP0C02"

static void apertures_emit(struct aml *a, const struct machine_pci *pci)
{
	const struct machine_pci_aperture *io = &pci->apertures[MACHINE_PCI_IO];

	aml_name(a, "_CRS");
	aml_open_resources(a);
	aml_resource_buses(a, 0, pci->buses);
	aml_resource_io(a, X86_PORT_PCI_ADDR, CONFIG_SIZE);
	aml_resource_io_aperture(a, io->base, io->size);
	for (unsigned i = MACHINE_PCI_MEM32; i < MACHINE_PCI_SPACES; i++) {
		if (pci->apertures[i].size)
			aml_resource_memory_aperture(
				a, pci->apertures[i].base, pci->apertures[i].size);
	}
	aml_close(a);
}

/* Each pin of each device, with the line that it is wired to. */
static void wiring_emit(struct aml *a, const struct machine_pci *pci)
{
	aml_name(a, "_PRT");
	aml_open_package(a, DEVICES * MACHINE_PCI_LINES);
	for (uint32_t device = 0; device < DEVICES; device++) {
		for (uint32_t pin = 0; pin < MACHINE_PCI_LINES; pin++) {
			aml_open_package(a, 4);
			aml_integer(a, device << 16 | 0xFFFF); /* all its functions */
			aml_integer(a, pin);
			aml_integer(a, 0); /* no link device: the next is a GSI */
			aml_integer(a, pci->gsis[(device + pin) % MACHINE_PCI_LINES]);
			aml_close(a);
		}
	}
	aml_close(a);
}

/* Guests believe the MCFG only if its addresses are some device's. */
static void ecam_emit(struct aml *a, const struct machine *m)
{
	uint64_t uid = 0;

	for (unsigned i = 0; i < m->device_count; i++) {
		const char *hid = m->devices[i]->cls->acpi_hid;

		uid += hid && !strcmp(hid, HID_MOTHERBOARD);
	}
	aml_open_device(a, "ECAM");
	aml_name(a, "_HID");
	aml_hid(a, HID_MOTHERBOARD);
	aml_name(a, "_UID");
	aml_integer(a, uid);
	aml_name(a, "_CRS");
	aml_open_resources(a);
	aml_resource_memory(a, m->pci.ecam, (uint64_t)m->pci.buses << BUS_SHIFT);
	aml_close(a);
	aml_close(a);
}

void pci_emit(struct aml *a, const struct machine *m)
{
	if (!m->pci.host)
		return;
	aml_open_device(a, m->pci.host->name);
	aml_name(a, "_HID");
	aml_hid(a, "PNP0A08");
	aml_name(a, "_CID");
	aml_hid(a, "PNP0A03");
	aml_name(a, "_UID");
	aml_integer(a, 0);
	aml_name(a, "_SEG");
	aml_integer(a, 0);
	aml_name(a, "_BBN");
	aml_integer(a, 0);
	apertures_emit(a, &m->pci);
	wiring_emit(a, &m->pci);
	aml_close(a);
	ecam_emit(a, m);
}

/* Memory-mapped Configuration Space Description Table. */
void mcfg_emit(struct aml *a, const struct acpi_context *ctx)
{
	const struct machine_pci *pci = &ctx->machine->pci;

	aml_u64(a, 0); /* reserved */
	aml_u64(a, pci->ecam);
	aml_u16(a, 0); /* segment */
	aml_u8(a, 0);  /* first and last bus */
	aml_u8(a, (uint8_t)(pci->buses - 1));
	aml_u32(a, 0); /* reserved */
}
