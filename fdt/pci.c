/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PCI host bridge, where the machine has one [PCI Bus Binding to IEEE 1275 2.1; Linux
 * Documentation/devicetree/bindings/pci/host-generic-pci.yaml].
 */
#include "fdt/nodes.h"
#include "vmm/device.h"

#include <inttypes.h>
#include <string.h>

/* Address cells: phys.hi, its space, and the two of the address. */
#define SPACE_IO    0x01000000
#define SPACE_MEM32 0x02000000
/* Prefetchable: Linux takes more than 4 GiB for a mistake otherwise. Such BARs alone go there. */
#define SPACE_MEM64 0x43000000

#define BUS_SHIFT    20
#define DEVICE_SHIFT 11
#define PIN_MASK     7
/* Devices that are wired alike are four apart. */
#define DEVICE_MASK ((MACHINE_PCI_LINES - 1) << DEVICE_SHIFT)

#define RANGE_CELLS 7
#define WIRE_CELLS  10

static void emit_ranges(struct tree *t, const struct machine_pci *pci)
{
	static const uint32_t spaces[MACHINE_PCI_SPACES] = {
		[MACHINE_PCI_IO] = SPACE_IO,
		[MACHINE_PCI_MEM32] = SPACE_MEM32,
		[MACHINE_PCI_MEM64] = SPACE_MEM64,
	};
	uint32_t ranges[MACHINE_PCI_SPACES * RANGE_CELLS];
	unsigned n = 0;

	for (unsigned i = 0; i < MACHINE_PCI_SPACES; i++) {
		const struct machine_pci_aperture *a = &pci->apertures[i];
		const uint32_t range[RANGE_CELLS] = {
			spaces[i], TREE_PAIR(a->bus_base), TREE_PAIR(a->base), TREE_PAIR(a->size)};

		if (!a->size)
			continue;
		memcpy(ranges + n, range, sizeof(range));
		n += RANGE_CELLS;
	}
	tree_cells(t, "ranges", ranges, n);
}

/* Each pin of the first four devices; the mask makes the others like them. */
static void emit_wiring(struct tree *t, const struct machine_pci *pci)
{
	uint32_t map[MACHINE_PCI_LINES * MACHINE_PCI_LINES * WIRE_CELLS];
	unsigned n = 0;

	for (uint32_t device = 0; device < MACHINE_PCI_LINES; device++) {
		for (uint32_t pin = 0; pin < MACHINE_PCI_LINES; pin++) {
			const uint32_t wire[WIRE_CELLS] = {device << DEVICE_SHIFT, 0, 0, pin + 1,
				PHANDLE_GIC, 0, 0, GIC_SPI,
				pci->gsis[(device + pin) % MACHINE_PCI_LINES], GIC_LEVEL_HIGH};

			memcpy(map + n, wire, sizeof(wire));
			n += WIRE_CELLS;
		}
	}
	TREE_CELLS(t, "#interrupt-cells", 1);
	TREE_CELLS(t, "interrupt-map-mask", DEVICE_MASK, 0, 0, PIN_MASK);
	tree_cells(t, "interrupt-map", map, n);
}

void pci_emit_node(struct tree *t, const struct machine *m)
{
	const struct machine_pci *pci = &m->pci;

	if (!pci->host)
		return;
	tree_begin(t, "pcie@%" PRIx64, pci->ecam);
	tree_label(t, 0, "%s", pci->host->name);
	tree_string(t, "compatible", "pci-host-ecam-generic");
	tree_string(t, "device_type", "pci");
	TREE_CELLS(t, "reg", TREE_PAIR(pci->ecam), TREE_PAIR((uint64_t)pci->buses << BUS_SHIFT));
	TREE_CELLS(t, "bus-range", 0, pci->buses - 1);
	TREE_CELLS(t, "linux,pci-domain", 0);
	TREE_CELLS(t, "#address-cells", 3);
	TREE_CELLS(t, "#size-cells", 2);
	tree_flag(t, "dma-coherent");
	emit_ranges(t, pci);
	emit_wiring(t, pci);
	/* An ITS tells functions apart by bus, device and function. */
	if (m->arm64.its == MACHINE_ON)
		TREE_CELLS(t, "msi-map", 0, PHANDLE_ITS, 0, 0x10000);
	else
		TREE_CELLS(t, "msi-parent", PHANDLE_V2M);
	tree_end(t);
}
