/* SPDX-License-Identifier: BSD-3-Clause */
/* virtio devices on the PCI bus. */
#ifndef DEVICES_VIRTIO_PCI_H
#define DEVICES_VIRTIO_PCI_H

#include "devices/virtio/virtio.h"

struct virtio_pci_config {
	const char *name; /* "VR00" */
	int devfn;        /* PCI_DEVFN of devices/pci/pci.h, or PCI_DEVFN_ANY */
};

/*
 * Puts the virtio device V on the bus of M, which has a host bridge. V belongs to M from here on,
 * and is destroyed also when this fails. 0, or the errors of pci_function_create, _add_msix and
 * _add.
 */
int virtio_pci_create(
	struct machine *m, const struct virtio_pci_config *cfg, struct virtio_device *v);

#endif
