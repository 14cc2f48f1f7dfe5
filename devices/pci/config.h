/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration space of one PCI function: 4 KiB [PCI 3.0 6.1, PCIe 5.0 7.2], each byte with
 * its value, the bits of it that a guest may write, and those that it clears by writing ones. What
 * has none of either is read-only; what was never set reads 0. Threads: whoever owns the function
 * locks.
 */
#ifndef DEVICES_PCI_CONFIG_H
#define DEVICES_PCI_CONFIG_H

#include <stdint.h>

#define PCI_CONFIG_SIZE   4096
#define PCI_CONFIG_LEGACY 256 /* what mechanism 1 reaches; capabilities are in here */

/* Registers of every function [PCI 3.0 6.1]. */
#define PCI_VENDOR_ID           0x00
#define PCI_DEVICE_ID           0x02
#define PCI_COMMAND             0x04
#define PCI_STATUS              0x06
#define PCI_REVISION_ID         0x08
#define PCI_CLASS_CODE          0x09 /* interface, subclass, base class */
#define PCI_CACHE_LINE_SIZE     0x0C
#define PCI_HEADER_TYPE         0x0E
#define PCI_BAR(n)              (0x10 + 4 * (n))
#define PCI_BARS                6
#define PCI_SUBSYSTEM_VENDOR_ID 0x2C
#define PCI_SUBSYSTEM_ID        0x2E
#define PCI_CAPABILITIES        0x34
#define PCI_INTERRUPT_LINE      0x3C
#define PCI_INTERRUPT_PIN       0x3D
#define PCI_HEADER_END          0x40

#define PCI_COMMAND_IO           0x0001
#define PCI_COMMAND_MEMORY       0x0002
#define PCI_COMMAND_MASTER       0x0004
#define PCI_COMMAND_INTX_DISABLE 0x0400
#define PCI_STATUS_INTERRUPT     0x0008
#define PCI_STATUS_CAPABILITIES  0x0010
#define PCI_HEADER_MULTIFUNCTION 0x80

struct pci_config {
	uint8_t value[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE];
	uint8_t clears[PCI_CONFIG_SIZE]; /* bits that are cleared by writing 1 */
};

/* Sets SIZE bytes at OFFSET, and which of their bits a guest may write. For who makes the function.
 */
void pci_config_set(
	struct pci_config *c, unsigned offset, unsigned size, uint32_t value, uint32_t writable);

/* Changes a value alone, whatever a guest may. */
void pci_config_put(struct pci_config *c, unsigned offset, unsigned size, uint32_t value);

/* A guest's access of 1, 2 or 4 bytes at OFFSET; bytes past the end read as ones. */
uint32_t pci_config_read(const struct pci_config *c, unsigned offset, unsigned size);
void pci_config_write(struct pci_config *c, unsigned offset, unsigned size, uint32_t value);

#endif
