/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI configuration mechanism 1 [PCI 3.0 3.2.2.3.2]: CONFIG_ADDRESS takes and gives 4 bytes at once
 * and nothing else; CONFIG_DATA reaches the register that it names. Bus 0 alone: a function that is
 * not there, another bus, or an address without its enable bit reads all-ones and drops writes.
 *
 * The host bridge is ACRN's (Intel's Apollo Lake, revision 0x0b) with no register but its identity:
 * no BARs, no capabilities, nothing to write. Left out: ECAM, special cycles.
 */
#include "devices/pci/host.h"

#include "devices/common.h"
#include "devices/pci/config.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

#include <pthread.h>

enum { WINDOW_ADDRESS, WINDOW_DATA };

#define PORTS 4 /* of each window */

#define ADDRESS_ENABLE 0x80000000
#define ADDRESS_BITS   0x80FFFFFC /* the others are reserved, and 0 */

#define FUNCTIONS 256 /* of a bus: 32 devices of 8 */

#define HOST_BRIDGE_VENDOR   0x8086
#define HOST_BRIDGE_DEVICE   0x5AF0
#define HOST_BRIDGE_REVISION 0x0B
#define HOST_BRIDGE_CLASS    0x060000

struct pci_host {
	struct device dev;
	pthread_mutex_t lock; /* guards address, and the functions' configuration space */
	uint32_t address;
	struct pci_config bridge;
	struct pci_config *functions[FUNCTIONS]; /* bus 0, by device << 3 | function; NULL: none */
};

/* The function that CONFIG_ADDRESS names, or NULL. */
static struct pci_config *selected(const struct pci_host *h)
{
	if (!(h->address & ADDRESS_ENABLE) || (h->address >> 16 & 0xFF) != 0)
		return NULL;
	return h->functions[h->address >> 8 & 0xFF];
}

static uint64_t pci_host_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct pci_host *h = container_of(dev, struct pci_host, dev);
	uint64_t value = UINT64_MAX;
	struct pci_config *config;

	pthread_mutex_lock(&h->lock);
	if (index == WINDOW_ADDRESS && size == 4) {
		value = h->address;
	} else if (index == WINDOW_DATA) {
		config = selected(h);
		if (config)
			value = pci_config_read(
				config, (h->address & 0xFC) + (unsigned)offset, size);
	}
	pthread_mutex_unlock(&h->lock);
	return value;
}

static void pci_host_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_host *h = container_of(dev, struct pci_host, dev);
	struct pci_config *config;

	pthread_mutex_lock(&h->lock);
	if (index == WINDOW_ADDRESS && size == 4) {
		h->address = (uint32_t)value & ADDRESS_BITS;
	} else if (index == WINDOW_DATA) {
		config = selected(h);
		if (config)
			pci_config_write(config, (h->address & 0xFC) + (unsigned)offset, size,
				(uint32_t)value);
	}
	pthread_mutex_unlock(&h->lock);
}

static void pci_host_destroy(struct device *dev)
{
	struct pci_host *h = container_of(dev, struct pci_host, dev);

	pthread_mutex_destroy(&h->lock);
	free(h);
}

static const struct device_class pci_host_class = {
	.name = "pci_host",
	.read = pci_host_read,
	.write = pci_host_write,
	.destroy = pci_host_destroy,
};

int pci_host_create(struct machine *m)
{
	struct device *dev;
	struct pci_host *h;
	int ret = device_create(m, &pci_host_class, "PCI0", sizeof(*h), &dev);

	if (ret)
		return ret;
	h = container_of(dev, struct pci_host, dev);
	pthread_mutex_init(&h->lock, NULL);
	pci_config_set(&h->bridge, PCI_VENDOR_ID, 2, HOST_BRIDGE_VENDOR, 0);
	pci_config_set(&h->bridge, PCI_DEVICE_ID, 2, HOST_BRIDGE_DEVICE, 0);
	pci_config_set(&h->bridge, PCI_REVISION_ID, 1, HOST_BRIDGE_REVISION, 0);
	pci_config_set(&h->bridge, PCI_CLASS_CODE, 3, HOST_BRIDGE_CLASS, 0);
	h->functions[0] = &h->bridge;
	ret = machine_add_window(m, WINDOW_PORT, X86_PORT_PCI_ADDR, PORTS, dev, WINDOW_ADDRESS);
	return ret ? ret
		   : machine_add_window(m, WINDOW_PORT, X86_PORT_PCI_DATA, PORTS, dev, WINDOW_DATA);
}
