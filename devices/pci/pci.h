/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI functions: what a device on bus 0 is made of. A function is a struct device whose class
 * answers the accesses to its base address registers: read and write get the BAR's number as the
 * window's index. Configuration space, the places of BARs, capabilities, INTx and MSI-X are done
 * here [PCI 3.0; PCIe 5.0 7].
 *
 * Making one, in this order: pci_function_create; then BARs, capabilities, MSI-X, INTx; then
 * pci_function_add, which gives it its address on the bus and its BARs theirs in the apertures, so
 * that a guest without an allocator finds them there. Decoding is off until the guest turns it on.
 *
 * Threads: all that makes a function, the thread that builds the machine. Then its class's read and
 * write on any vCPU thread, several at once. struct pci_ops on vCPU threads, one at a time for the
 * whole bus, under the bus's lock: a device may take its own lock in them, and must then call
 * nothing here while holding it but what says "any lock".
 *
 * Left out: bridges and further buses, PCI Express and power management capabilities, function-
 * level reset, expansion ROMs, MSI without the X.
 */
#ifndef DEVICES_PCI_PCI_H
#define DEVICES_PCI_PCI_H

#include "devices/pci/config.h"
#include "vmm/device.h"

#include <pthread.h>
#include <stdatomic.h>

struct pci_bus;
struct pci_msix;
struct pci_function;

/* Device and function on the bus; the bus is 0. */
#define PCI_DEVFN(device, function) ((device) << 3 | (function))
#define PCI_DEVICE(devfn)           ((devfn) >> 3)
#define PCI_DEVFN_ANY               -1 /* function 0 of the first device that is free, from 1 on */
#define PCI_DEVFNS                  256

enum pci_bar_type {
	PCI_BAR_NONE,
	PCI_BAR_IO,
	PCI_BAR_MEM32,
	PCI_BAR_MEM64, /* takes two of the six registers */
	PCI_BAR_MEM64_PREFETCH,
};

/* Where the processor reaches a BAR. */
struct pci_place {
	enum window_space space;
	uint64_t address;
};

/* Host memory that is a part of a BAR. */
struct pci_backing {
	uint64_t offset, size; /* bytes, both multiples of 4 KiB */
	void *hva;
	bool readonly;
};

/* Of a BAR: tables, a section for all, one's own section, and those before and behind it. */
#define PCI_BACKINGS_MAX 5

struct pci_bar {
	enum pci_bar_type type;
	uint64_t size; /* bytes, a power of two */
	unsigned backing_count;
	struct {
		uint64_t offset, size;
		unsigned memory; /* the machine's device memory */
		atomic_bool on;  /* it takes accesses; written under the bus's lock */
	} backings[PCI_BACKINGS_MAX];
	bool placed; /* `place` is where it is; the bus's lock */
	struct pci_place place;
};

struct pci_ops {
	/*
	 * BAR is at PLACE from now on, NULL: nowhere. Where doorbells and memory of a BAR go along.
	 */
	void (*place)(struct pci_function *f, unsigned bar, const struct pci_place *place);
	/* A guest is about to read these bytes of the configuration, or has written them. */
	void (*config_read)(struct pci_function *f, unsigned offset, unsigned size);
	void (*config_written)(struct pci_function *f, unsigned offset, unsigned size);
};

struct pci_function {
	struct device dev;
	struct pci_bus *bus; /* NULL before pci_function_add */
	uint8_t devfn;
	const struct pci_ops *ops; /* NULL, or any of them NULL: nothing to do */
	struct pci_bar bars[PCI_BARS];

	struct pci_config config; /* the bus's lock, once it is added */
	unsigned capability_last; /* offset; 0: there is none */
	unsigned capability_end;  /* the first free byte */

	struct pci_msix *msix; /* NULL: it has none */

	/* The bus's intx_lock. */
	uint8_t pin; /* 1 to 4: INTA to INTD; 0: none. Constant */
	bool intx_asserted, intx_disabled, intx_driven;
};

struct pci_setup {
	const struct device_class *cls;
	const char *name; /* as that of any device */
	size_t size;      /* of the struct that begins with a struct pci_function */
	const struct pci_ops *ops;
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint8_t revision;
	uint32_t class_code; /* 24 bits: base class, subclass, interface */
};

/*
 * Makes a function, which is M's from here on, also when a later step fails. 0 and *RET_FUNCTION;
 * -ENOMEM; -ENOSPC.
 */
int pci_function_create(
	struct machine *m, const struct pci_setup *setup, struct pci_function **ret_function);

/* Initialises one in zeroed memory: for who does not use pci_function_create. */
void pci_function_init(struct pci_function *f, const struct pci_setup *setup);

/* Frees what pci_function_create and the rest here allocated but F itself: for a class's destroy.
 */
void pci_function_fini(struct pci_function *f);
/* The destroy of a device that owns nothing else. */
void pci_function_free(struct device *dev);

/*
 * Gives F the BAR number BAR, of SIZE bytes: a power of two of at least 16, for ports at most 256.
 * A 64-bit one takes BAR + 1, too. 0; -EINVAL; -EEXIST.
 */
int pci_function_add_bar(
	struct pci_function *f, unsigned bar, enum pci_bar_type type, uint64_t size);

/*
 * Has a part of BAR, which is there already, be memory: the guest reads and writes it without an
 * exit. Writes to it where it is read-only are violations; the class sees accesses while the guest
 * moves the BAR. 0; -EINVAL when it does not fit the BAR; -EEXIST when it overlaps with another
 * part; -ENOSPC when there are too many parts; the errors of machine_add_memory.
 */
int pci_function_back_bar(struct pci_function *f, unsigned bar, const struct pci_backing *backing);

/*
 * Adds a capability of SIZE bytes, its id and link included; what is in it the caller sets with
 * pci_config_set. 0 and *RET_OFFSET; -ENOSPC.
 */
int pci_function_add_capability(
	struct pci_function *f, uint8_t id, unsigned size, unsigned *ret_offset);

/* Has it interrupt by INTx pin PIN, 1 for INTA. */
void pci_function_use_intx(struct pci_function *f, unsigned pin);

/*
 * Puts F on the bus of its machine at DEVFN, or PCI_DEVFN_ANY. 0; -ENODEV when the machine has no
 * PCI; -EEXIST when DEVFN is taken, -EINVAL when it is no place for a function; -ENOSPC when there
 * is no place left on the bus or for one of its BARs.
 */
int pci_function_add(struct pci_function *f, int devfn);

/* ---- INTx: a level. Any thread, any lock. ---- */

void pci_intx_set(struct pci_function *f, bool asserted);

/* ---- MSI-X [PCI 3.0 6.8.2] ---- */

#define PCI_MSIX_VECTORS_MAX 64

/*
 * Gives F VECTORS vectors, and BAR (of 32 bits, made here) for their table and pending bits, which
 * the class never sees. 0; -EINVAL; -EEXIST; -ENOMEM; the errors of machine_add_msi.
 */
int pci_function_add_msix(struct pci_function *f, unsigned bar, unsigned vectors);

/* machine_share_msi for one of its vectors. 0; -EINVAL when there is none, EVENT_FD is not taken.
 */
int pci_msix_share(struct pci_function *f, unsigned vector, int event_fd);

/* The guest has turned MSI-X on; INTx is silent then. Any thread, any lock. */
bool pci_msix_enabled(const struct pci_function *f);

/* Interrupts by VECTOR, or makes it pending while it is masked. Any thread, any lock. */
void pci_msix_signal(struct pci_function *f, unsigned vector);

/* The eventfd that does the same for whoever writes to it; -1: there is no such vector. */
int pci_msix_event_fd(const struct pci_function *f, unsigned vector);

/*
 * A second eventfd that interrupts by VECTOR, for somebody whom the device does not always listen
 * to; at first it does not. EVENT_FD is the machine's from here on. 0; -EINVAL when there is no
 * such vector; -EEXIST; the errors of machine_add_msi. EVENT_FD is not taken then.
 */
int pci_msix_add_source(struct pci_function *f, unsigned vector, int event_fd);

/* The eventfd of VECTOR's source; -1: it has none. */
int pci_msix_source_fd(const struct pci_function *f, unsigned vector);

/*
 * Whether what is written to the sources interrupts. What was written while it did not is
 * forgotten. Any thread, any lock.
 */
void pci_msix_listen(struct pci_function *f, bool on);

#endif
