/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bus 0: its functions, and where their BARs are decoded. Between the files of devices/pci/.
 *
 * Locks, outermost first. `lock`: configuration space, the BARs' places; held over struct pci_ops
 * and the services that they ask for. A device's own. A function's MSI-X lock. `map_lock`: the map,
 * by which an access finds its BAR; held for a look-up, or for copying a map that is complete.
 * `intx_lock`: the four lines.
 */
#ifndef DEVICES_PCI_BUS_H
#define DEVICES_PCI_BUS_H

#include "devices/pci/pci.h"

/* BARs that are decoded at once. A bus of 32 devices has at most so many functions with BARs. */
#define PCI_MAP_MAX (32 * PCI_BARS)

struct pci_mapping {
	enum machine_pci_space space; /* the aperture's */
	uint64_t offset;              /* in the aperture */
	uint64_t size;
	struct pci_function *function;
	unsigned bar;
};

struct pci_map {
	unsigned count;
	struct pci_mapping entries[PCI_MAP_MAX]; /* by space, then offset */
};

struct pci_bus {
	struct machine *machine;
	pthread_mutex_t lock;
	struct pci_function *functions[PCI_DEVFNS]; /* constant after the start */
	unsigned function_count;
	struct pci_map next; /* being made; `lock` */
	uint64_t
		free[MACHINE_PCI_SPACES]; /* first offset that no BAR was given; before the start */

	pthread_mutex_t map_lock;
	struct pci_map map;

	pthread_mutex_t intx_lock;
	unsigned line_users[MACHINE_PCI_LINES]; /* functions that assert it */
};

void pci_bus_init(struct pci_bus *bus, struct machine *m);
void pci_bus_fini(struct pci_bus *bus);

/* Puts F at DEVFN; its BARs stay where they are. */
void pci_bus_attach(struct pci_bus *bus, struct pci_function *f, uint8_t devfn);

/* A guest's access of SIZE (1, 2, 4) to the configuration of what is at DEVFN. */
uint32_t pci_bus_config_read(struct pci_bus *bus, uint8_t devfn, unsigned offset, unsigned size);
void pci_bus_config_write(
	struct pci_bus *bus, uint8_t devfn, unsigned offset, unsigned size, uint32_t value);

/* A guest's access to an aperture; false: no BAR is there. */
bool pci_bus_claims(
	struct pci_bus *bus, enum machine_pci_space space, uint64_t offset, unsigned size);
uint64_t pci_bus_read(
	struct pci_bus *bus, enum machine_pci_space space, uint64_t offset, unsigned size);
void pci_bus_write(struct pci_bus *bus, enum machine_pci_space space, uint64_t offset,
	unsigned size, uint64_t value);

/* ---- bar.c ---- */

/* Gives the BARs of F, which is on the bus, places in the apertures. 0, -ENOSPC. */
int pci_bars_assign(struct pci_bus *bus, struct pci_function *f);

/* Whether memory takes accesses there: one that is seen all the same writes to read-only memory. */
bool pci_bar_is_memory(const struct pci_function *f, unsigned bar, uint64_t offset, unsigned size);

/* Finds out where all BARs are decoded now. Under the bus's lock. */
void pci_bars_update(struct pci_bus *bus);

/* ---- intx, in bus.c ---- */

/* Has a look at what enables F's INTx. Under the bus's lock. */
void pci_intx_update(struct pci_function *f);

/* ---- msix.c ---- */

bool pci_msix_owns_bar(const struct pci_function *f, unsigned bar);
uint64_t pci_msix_read(struct pci_function *f, uint64_t offset, unsigned size);
void pci_msix_write(struct pci_function *f, uint64_t offset, unsigned size, uint64_t value);

/* The configuration may have changed. Under the bus's lock. */
void pci_msix_update(struct pci_function *f);
void pci_msix_destroy(struct pci_function *f);

/* ---- host.c ---- */

/* The bus of M, or NULL. */
struct pci_bus *pci_bus_of(const struct machine *m);

#endif
