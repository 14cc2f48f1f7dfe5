/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI functions of bus 0 through ECAM: configuration, base address registers where the machine has
 * put them, capabilities, MSI-X [PCI 3.0; PCIe 5.0 7.2.2]. CPU 0.
 */
#ifndef GUESTLIB_PCI_H
#define GUESTLIB_PCI_H

#include "guest.h"

#define PCI_COMMAND        0x04
#define PCI_COMMAND_MEMORY 0x2
#define PCI_COMMAND_MASTER 0x4
#define PCI_REVISION       0x08 /* and the class code above it */
#define PCI_BAR(n)         (0x10 + 4 * (n))
#define PCI_CAPABILITIES   0x34
#define PCI_CAP_VENDOR     0x09
#define PCI_CAP_MSIX       0x11

/* DEVFN is device << 3 | function. */
uint8_t pci_read8(unsigned devfn, unsigned reg);
uint16_t pci_read16(unsigned devfn, unsigned reg);
uint32_t pci_read32(unsigned devfn, unsigned reg);
void pci_write8(unsigned devfn, unsigned reg, uint8_t v);
void pci_write16(unsigned devfn, unsigned reg, uint16_t v);
void pci_write32(unsigned devfn, unsigned reg, uint32_t v);

/* The I-th function with this identity; -1: there is none, or no PCI. */
int pci_find(uint16_t vendor, uint16_t device, unsigned i);

/* Where its first capability ID is in the configuration; 0: nowhere. */
unsigned pci_capability(unsigned devfn, uint8_t id);

/* The address of a BAR, made reachable; has the function answer there, and be bus master. */
uint64_t pci_enable_bar(unsigned devfn, unsigned bar);

/*
 * Has HANDLER called in interrupt context on this CPU for the MSI-X vector VECTOR; turns MSI-X on.
 * False when the function has no such vector, or this CPU none left. At most 32 in all.
 */
bool pci_msix_set(unsigned devfn, unsigned vector, void (*handler)(void));

/* Masks a vector, or lets it through. */
void pci_msix_mask(unsigned devfn, unsigned vector, bool masked);

/* Its pending bit. */
bool pci_msix_pending(unsigned devfn, unsigned vector);

/* ---- of an architecture's folder ---- */

/* ECAM of bus 0; 0: the firmware tables name none. */
uint64_t pci_ecam(void);

/* What a function writes, and where, for HANDLER to be called; EVENT counts its vectors. */
bool msi_route(unsigned devfn, unsigned event, void (*handler)(void), uint64_t *ret_address,
	uint32_t *ret_data);

#endif
