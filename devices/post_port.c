/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POST code port 0x80: keeps the last byte written, for the guest and whoever looks into the
 * machine to read back. Kernels also write to it to pass a microsecond, so it does nothing else.
 */
#include "devices/post_port.h"

#include "devices/common.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

#include <stdatomic.h>

struct post_port {
	struct device dev;
	_Atomic uint8_t code;
};

static uint64_t post_port_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	(void)index, (void)offset, (void)size;
	return atomic_load_explicit(
		&container_of(dev, struct post_port, dev)->code, memory_order_relaxed);
}

static void post_port_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	(void)index, (void)offset, (void)size;
	atomic_store_explicit(&container_of(dev, struct post_port, dev)->code, (uint8_t)value,
		memory_order_relaxed);
}

static const struct device_class post_port_class = {
	.name = "post_port",
	.read = post_port_read,
	.write = post_port_write,
	.destroy = device_free,
};

int post_port_create(struct machine *m)
{
	struct device *dev;
	int ret = device_create(m, &post_port_class, "POST", sizeof(struct post_port), &dev);

	if (!ret)
		ret = machine_add_window(m, WINDOW_PORT, X86_PORT_POST, 1, dev, 0);
	return ret;
}
