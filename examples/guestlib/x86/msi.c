/* SPDX-License-Identifier: BSD-3-Clause */
/* PCI on a PC: ECAM from the MCFG [PCI Firmware 3.3 4.1.2], messages to a local APIC [SDM
 * 3A 11.11]. */
#include "pci.h"
#include "x86.h"

#define MCFG_BASE   44 /* of the first segment */
#define VECTOR_MSI  0xA0
#define VECTORS_MAX 32
#define MSI_ADDRESS 0xFEE00000

static void (*handlers[VECTORS_MAX])(void);
static struct {
	unsigned devfn, event;
} owners[VECTORS_MAX];

uint64_t pci_ecam(void)
{
	const struct acpi_header *mcfg = acpi_find("MCFG");
	uint64_t base = 0;

	if (mcfg && mcfg->length >= MCFG_BASE + sizeof(base))
		memcpy(&base, (const uint8_t *)mcfg + MCFG_BASE, sizeof(base));
	return base;
}

static void msi_interrupt(struct trap_frame *f)
{
	lapic_eoi();
	handlers[f->vector - VECTOR_MSI]();
}

bool msi_route(unsigned devfn, unsigned event, void (*handler)(void), uint64_t *ret_address,
	uint32_t *ret_data)
{
	unsigned i = 0;

	while (i < VECTORS_MAX && handlers[i] &&
		(owners[i].devfn != devfn || owners[i].event != event))
		i++;
	if (i == VECTORS_MAX || lapic_id() > 0xFF)
		return false;
	owners[i].devfn = devfn;
	owners[i].event = event;
	handlers[i] = handler;
	trap_set(VECTOR_MSI + i, msi_interrupt);
	*ret_address = MSI_ADDRESS | lapic_id() << 12;
	*ret_data = VECTOR_MSI + i;
	return true;
}
