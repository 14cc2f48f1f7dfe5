/* SPDX-License-Identifier: BSD-3-Clause */
/* Paravirtual panic device: a port, a PCI function. */
#ifndef DEVICES_TESTDEV_PVPANIC_H
#define DEVICES_TESTDEV_PVPANIC_H

#include "vmm/machine.h"

/* That of a PC, at its port. 0, or the errors of machine_add_device and _window. */
int pvpanic_port_create(struct machine *m);

/*
 * The PCI function, in the first slot that is free: after all functions that have a slot of their
 * own. 0, or the errors of pci_function_create, _add_bar and _add.
 */
int pvpanic_pci_create(struct machine *m);

#endif
