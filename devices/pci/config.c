/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/pci/config.h"

void pci_config_put(struct pci_config *c, unsigned offset, unsigned size, uint32_t value)
{
	for (unsigned i = 0; i < size && offset + i < PCI_CONFIG_SIZE; i++)
		c->value[offset + i] = (uint8_t)(value >> (8 * i));
}

void pci_config_set(
	struct pci_config *c, unsigned offset, unsigned size, uint32_t value, uint32_t writable)
{
	pci_config_put(c, offset, size, value);
	for (unsigned i = 0; i < size && offset + i < PCI_CONFIG_SIZE; i++)
		c->writable[offset + i] = (uint8_t)(writable >> (8 * i));
}

uint32_t pci_config_read(const struct pci_config *c, unsigned offset, unsigned size)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = offset + i < PCI_CONFIG_SIZE ? c->value[offset + i] : 0xFF;

		value |= (uint32_t)byte << (8 * i);
	}
	return value;
}

void pci_config_write(struct pci_config *c, unsigned offset, unsigned size, uint32_t value)
{
	for (unsigned i = 0; i < size && offset + i < PCI_CONFIG_SIZE; i++) {
		uint8_t mask = c->writable[offset + i];
		uint8_t byte = (uint8_t)(value >> (8 * i));
		uint8_t next = (uint8_t)((c->value[offset + i] & ~mask) | (byte & mask));

		c->value[offset + i] = (uint8_t)(next & ~(byte & c->clears[offset + i]));
	}
}
