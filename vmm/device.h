/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices: a device is a const struct device_class and a struct that embeds struct device. Its
 * class answers the accesses to its windows and describes it to the firmware tables; all state
 * hangs off the device.
 *
 * Threads: read and write are called on vCPU threads, several at once; whatever they share is
 * guarded by the device's own lock. They never block and never allocate. create and destroy are
 * called by the thread that builds the machine, while no vCPU runs.
 */
#ifndef VMM_DEVICE_H
#define VMM_DEVICE_H

#include "vmm/machine.h"

struct device_class {
	const char *name; /* "serial16550" */
	/* How firmware tables name it; NULL keeps it out of them. */
	const char *acpi_hid;       /* "PNP0501" */
	const char *fdt_compatible; /* "ns16550a" */

	/*
	 * One access at OFFSET into the window INDEX, SIZE in {1, 2, 4, 8}; OFFSET + SIZE is within
	 * the window. A write's unused upper bits are 0, a read's are ignored. NULL: read all-ones,
	 * drop writes.
	 */
	uint64_t (*read)(struct device *dev, unsigned index, uint64_t offset, unsigned size);
	void (*write)(
		struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value);

	/*
	 * Whether there is anything at that place: false makes the access one that nobody claims.
	 * For windows in which registers come and go, such as those of PCI. NULL: always.
	 */
	bool (*claims)(struct device *dev, unsigned index, uint64_t offset, unsigned size);

	/*
	 * A hypercall (machine_call); FUNCTION counts from the window's first. NULL where there is
	 * none.
	 */
	void (*call)(struct device *dev, uint16_t function, const uint64_t args[MACHINE_CALL_ARGS],
		uint64_t ret_results[MACHINE_CALL_RESULTS]);

	/*
	 * The process is locked down but for its last step: here, and nowhere else, threads may be
	 * made. Called once, by the I/O thread. 0 or a negative errno. NULL: nothing to do.
	 */
	int (*start)(struct device *dev);

	void (*destroy)(struct device *dev); /* frees DEV */
};

struct device {
	const struct device_class *cls;
	char name[8]; /* unique in its machine, a valid ACPI name where cls has one: "COM1" */
	unsigned uid; /* ACPI _UID: counts devices of one class from 0 */
	struct machine *machine;
};

#endif
