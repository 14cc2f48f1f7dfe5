/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci.h"

#include "mmio.h"

#define DEVFNS        256
#define CAPS_MAX      48 /* as many as fit into the space below 0x100 */
#define STATUS        0x06
#define STATUS_CAPS   0x10
#define HEADER_TYPE   0x0E
#define MULTIFUNCTION 0x80

#define MSIX_CONTROL  0x02
#define MSIX_TABLE    0x04
#define MSIX_PENDING  0x08
#define MSIX_ENABLE   0x8000
#define MSIX_SIZE     0x07FF
#define ENTRY_SIZE    16
#define ENTRY_CONTROL 12

static uint64_t place(unsigned devfn, unsigned reg)
{
	static uint64_t ecam;

	if (!ecam) {
		ecam = pci_ecam();
		if (!ecam)
			panic("pci: no ECAM");
		paging_map_gib(ecam);
	}
	return ecam + ((uint64_t)devfn << 12) + reg;
}

uint8_t pci_read8(unsigned devfn, unsigned reg)
{
	return mmio_read8(place(devfn, reg));
}

uint16_t pci_read16(unsigned devfn, unsigned reg)
{
	return mmio_read16(place(devfn, reg));
}

uint32_t pci_read32(unsigned devfn, unsigned reg)
{
	return mmio_read32(place(devfn, reg));
}

void pci_write8(unsigned devfn, unsigned reg, uint8_t v)
{
	mmio_write8(place(devfn, reg), v);
}

void pci_write16(unsigned devfn, unsigned reg, uint16_t v)
{
	mmio_write16(place(devfn, reg), v);
}

void pci_write32(unsigned devfn, unsigned reg, uint32_t v)
{
	mmio_write32(place(devfn, reg), v);
}

int pci_find(uint16_t vendor, uint16_t device, unsigned i)
{
	const uint32_t wanted = (uint32_t)device << 16 | vendor;

	if (!pci_ecam())
		return -1;
	for (unsigned devfn = 0; devfn < DEVFNS; devfn++) {
		uint32_t id = pci_read32(devfn, 0);

		if (id == wanted && i-- == 0)
			return (int)devfn;
		/* One without function 0, or with that alone, has no others. */
		if (devfn % 8 == 0 &&
			(id == UINT32_MAX || !(pci_read8(devfn, HEADER_TYPE) & MULTIFUNCTION)))
			devfn += 7;
	}
	return -1;
}

unsigned pci_capability(unsigned devfn, uint8_t id)
{
	unsigned at = pci_read8(devfn, PCI_CAPABILITIES) & 0xFC;

	if (!(pci_read16(devfn, STATUS) & STATUS_CAPS))
		return 0;
	for (unsigned i = 0; at && i < CAPS_MAX; i++) {
		if (pci_read8(devfn, at) == id)
			return at;
		at = pci_read8(devfn, at + 1) & 0xFC;
	}
	return 0;
}

uint64_t pci_enable_bar(unsigned devfn, unsigned bar)
{
	uint32_t low = pci_read32(devfn, PCI_BAR(bar));
	uint64_t address = low & 0xFFFFFFF0;

	if ((low & 0x6) == 0x4)
		address |= (uint64_t)pci_read32(devfn, PCI_BAR(bar + 1)) << 32;
	pci_write16(devfn, PCI_COMMAND,
		pci_read16(devfn, PCI_COMMAND) | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	paging_map_gib(address);
	return address;
}

/* The table, or the pending bits: where REG says. */
static uint64_t msix_place(unsigned devfn, unsigned reg)
{
	uint32_t v = pci_read32(devfn, pci_capability(devfn, PCI_CAP_MSIX) + reg);

	return pci_enable_bar(devfn, v & 7) + (v & 0xFFFFFFF8);
}

bool pci_msix_set(unsigned devfn, unsigned vector, void (*handler)(void))
{
	unsigned cap = pci_capability(devfn, PCI_CAP_MSIX);
	uint16_t control;
	uint64_t address, entry;
	uint32_t data;

	if (!cap)
		return false;
	control = pci_read16(devfn, cap + MSIX_CONTROL);
	if (vector > (control & MSIX_SIZE) || !msi_route(devfn, vector, handler, &address, &data))
		return false;
	entry = msix_place(devfn, MSIX_TABLE) + vector * ENTRY_SIZE;
	pci_write16(devfn, cap + MSIX_CONTROL, control | MSIX_ENABLE);
	mmio_write32(entry, (uint32_t)address);
	mmio_write32(entry + 4, (uint32_t)(address >> 32));
	mmio_write32(entry + 8, data);
	mmio_write32(entry + ENTRY_CONTROL, 0);
	return true;
}

void pci_msix_mask(unsigned devfn, unsigned vector, bool masked)
{
	mmio_write32(msix_place(devfn, MSIX_TABLE) + vector * ENTRY_SIZE + ENTRY_CONTROL, masked);
}

bool pci_msix_pending(unsigned devfn, unsigned vector)
{
	return mmio_read32(msix_place(devfn, MSIX_PENDING) + vector / 32 * 4) >> vector % 32 & 1;
}
