/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/common.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int device_create(struct machine *m, const struct device_class *cls, const char *name, size_t size,
	struct device **ret_dev)
{
	struct device *dev = calloc(1, size);
	int ret;

	if (!dev)
		return -ENOMEM;
	dev->cls = cls;
	snprintf(dev->name, sizeof(dev->name), "%s", name);
	ret = machine_add_device(m, dev);
	if (ret) {
		free(dev);
		return ret;
	}
	*ret_dev = dev;
	return 0;
}

struct device *device_find(const struct machine *m, const struct device_class *cls)
{
	for (unsigned i = 0; i < m->device_count; i++) {
		if (m->devices[i]->cls == cls)
			return m->devices[i];
	}
	return NULL;
}

void device_free(struct device *dev)
{
	free(dev);
}

uint64_t bytewise_read(struct device *dev, uint64_t offset, unsigned size,
	uint8_t (*read)(struct device *dev, uint64_t offset))
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)read(dev, offset + i) << (8 * i);
	return value;
}

void bytewise_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value,
	void (*write)(struct device *dev, uint64_t offset, uint8_t value))
{
	for (unsigned i = 0; i < size; i++)
		write(dev, offset + i, (uint8_t)(value >> (8 * i)));
}

uint64_t wordwise_read(struct device *dev, uint64_t offset, unsigned size,
	uint32_t (*read)(struct device *dev, uint64_t offset))
{
	uint64_t value;

	if (offset % sizeof(uint32_t))
		return 0;
	value = read(dev, offset);
	if (size > sizeof(uint32_t))
		value |= (uint64_t)read(dev, offset + sizeof(uint32_t)) << 32;
	return value;
}

void wordwise_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value,
	void (*write)(struct device *dev, uint64_t offset, uint32_t value))
{
	if (offset % sizeof(uint32_t))
		return;
	write(dev, offset, (uint32_t)value);
	if (size > sizeof(uint32_t))
		write(dev, offset + sizeof(uint32_t), (uint32_t)(value >> 32));
}

uint32_t primecell_id(uint32_t id, uint64_t offset)
{
	enum { PERIPH_ID0 = 0xFE0, PCELL_ID0 = 0xFF0, END = 0x1000 };
	const uint32_t cell = 0xB105F00D;

	if (offset < PERIPH_ID0 || offset >= END || offset % sizeof(uint32_t))
		return 0;
	return (offset < PCELL_ID0 ? id : cell) >> (offset % 16 * 2) & 0xFF;
}
