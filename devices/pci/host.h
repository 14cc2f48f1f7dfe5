/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI bus 0 behind configuration mechanism 1, ports 0xCF8 and 0xCFC, with ACRN's virtual host
 * bridge 8086:5af0 as 00:00.0.
 */
#ifndef DEVICES_PCI_HOST_H
#define DEVICES_PCI_HOST_H

#include "vmm/machine.h"

/* 0, or the errors of machine_add_device and _window. */
int pci_host_create(struct machine *m);

#endif
