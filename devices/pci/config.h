/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration space of one PCI function: 256 bytes [PCI 3.0 6.1], each with its value and the
 * bits of it that a guest may write. What has no bits there is read-only; what was never set reads
 * 0. Threads: whoever owns the function locks.
 */
#ifndef DEVICES_PCI_CONFIG_H
#define DEVICES_PCI_CONFIG_H

#include <stdint.h>

#define PCI_CONFIG_SIZE 256

/* Registers of every function [PCI 3.0 6.1]. */
#define PCI_VENDOR_ID   0x00
#define PCI_DEVICE_ID   0x02
#define PCI_REVISION_ID 0x08
#define PCI_CLASS_CODE  0x09 /* interface, subclass, base class */

struct pci_config {
	uint8_t value[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE];
};

/* Sets SIZE bytes at OFFSET, and which of their bits a guest may write. For who makes the function.
 */
void pci_config_set(
	struct pci_config *c, unsigned offset, unsigned size, uint32_t value, uint32_t writable);

/* A guest's access of 1, 2 or 4 bytes at OFFSET; bytes past the end read as ones. */
uint32_t pci_config_read(const struct pci_config *c, unsigned offset, unsigned size);
void pci_config_write(struct pci_config *c, unsigned offset, unsigned size, uint32_t value);

#endif
