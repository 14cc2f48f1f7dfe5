/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host bridge, 00:00.0, and how the processor reaches its bus: configuration mechanism 1 (ports
 * 0xCF8 and 0xCFC) on x86, ECAM, and the apertures of BARs. Where they are is struct machine_pci.
 * Under the fusa contract there is mechanism 1 alone, and nothing on the bus but ACRN's bridge.
 */
#ifndef DEVICES_PCI_HOST_H
#define DEVICES_PCI_HOST_H

#include "vmm/machine.h"

/*
 * Makes the host bridge of M. Before the x86 reset port, which is one of its ports. 0, or the
 * errors of machine_add_device, _window and _irq.
 */
int pci_host_create(struct machine *m);

/* Has DEV's window 0 answer single bytes at PORT, which is one of CONFIG_ADDRESS's. */
void pci_host_lend_port(struct machine *m, uint16_t port, struct device *dev);

#endif
