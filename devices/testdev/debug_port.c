/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Debug port: each byte written goes to a character back-end. It reads as 0xE9, by which software
 * finds the one of Bochs at that port; QEMU's isa-debugcon does the same at any port. It cannot
 * look busy: what a back-end has no room for is dropped and counted.
 */
#include "devices/testdev/debug_port.h"

#include "devices/common.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

struct debug_port {
	struct device dev;
	struct chardev *chardev; /* NULL: nobody sees it */
};

static uint64_t debug_port_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	(void)dev, (void)index, (void)offset, (void)size;
	return X86_PORT_DEBUG;
}

static void debug_port_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	const struct debug_port *p = container_of(dev, struct debug_port, dev);

	(void)index, (void)offset, (void)size;
	if (p->chardev)
		chardev_put_or_drop(p->chardev, (uint8_t)value);
}

static const struct device_class debug_port_class = {
	.name = "debug_port",
	.read = debug_port_read,
	.write = debug_port_write,
	.destroy = device_free,
};

int debug_port_create(struct machine *m, const char *name, uint16_t port, struct chardev *chardev)
{
	struct device *dev;
	int ret = device_create(m, &debug_port_class, name, sizeof(struct debug_port), &dev);

	if (ret)
		return ret;
	container_of(dev, struct debug_port, dev)->chardev = chardev;
	return machine_add_window(m, WINDOW_PORT, port, 1, dev, 0);
}
