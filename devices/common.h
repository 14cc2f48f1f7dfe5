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

#endif
