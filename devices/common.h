/* SPDX-License-Identifier: BSD-3-Clause */
/* What every device here would otherwise write again: its birth, and accesses wider than a byte. */
#ifndef DEVICES_COMMON_H
#define DEVICES_COMMON_H

#include "vmm/device.h"

#include <stddef.h>

/*
 * Allocates SIZE zeroed bytes that begin with a struct device, gives it CLS and NAME (at most 7
 * characters) and adds it to M, which owns it from here on, also when a later step of the caller
 * fails. 0 and *RET_DEV; -ENOMEM; -ENOSPC when M has too many devices.
 */
int device_create(struct machine *m, const struct device_class *cls, const char *name, size_t size,
	struct device **ret_dev);

/* M's first device of CLS, or NULL. */
struct device *device_find(const struct machine *m, const struct device_class *cls);

/* The destroy of a device that owns nothing but its memory. */
void device_free(struct device *dev);

/*
 * An access to a device that has byte registers only: as many byte accesses, the lowest address
 * first, which is how a PC's bus carries one to an 8-bit device.
 */
uint64_t bytewise_read(struct device *dev, uint64_t offset, unsigned size,
	uint8_t (*read)(struct device *dev, uint64_t offset));
void bytewise_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value,
	void (*write)(struct device *dev, uint64_t offset, uint8_t value));

/*
 * The same for a device of 32-bit registers: an access of 8 bytes is two registers, the lower
 * first; a narrower one than a register goes to all of it, as the byte lanes of an AMBA peripheral
 * bus carry it. What does not begin at a register reads as 0 and writes nothing.
 */
uint64_t wordwise_read(struct device *dev, uint64_t offset, unsigned size,
	uint32_t (*read)(struct device *dev, uint64_t offset));
void wordwise_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value,
	void (*write)(struct device *dev, uint64_t offset, uint32_t value));

/*
 * The identification registers that end the page of an ARM PrimeCell: PeriphID0 to 3 are the bytes
 * of ID, the lowest first; PCellID0 to 3 are the same everywhere. 0 for any other offset.
 */
uint32_t primecell_id(uint32_t id, uint64_t offset);

#endif
