/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exit port: a write of 1, 2 or 4 bytes ends the partition with the value written as the guest's
 * exit code, 0 meaning success. Where QEMU's isa-debug-exit with iobase=0xf4, iosize=4 is; like it,
 * it takes a write anywhere in its four ports and reads as 0. QEMU turns the value v into the
 * process exit status 2v + 1; here it is kept as it is.
 */
#include "devices/debug_exit.h"

#include "devices/common.h"
#include "vmm/layout_x86.h"

#define PORTS 4

static uint64_t debug_exit_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	(void)dev, (void)index, (void)offset, (void)size;
	return 0;
}

static void debug_exit_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	const struct machine_services *services = &dev->machine->services;

	(void)index, (void)offset, (void)size;
	services->end(services->ctx, END_EXIT_CODE, (uint32_t)value, "exit port 0xF4");
}

static const struct device_class debug_exit_class = {
	.name = "debug_exit",
	.read = debug_exit_read,
	.write = debug_exit_write,
	.destroy = device_free,
};

int debug_exit_create(struct machine *m)
{
	struct device *dev;
	int ret = device_create(m, &debug_exit_class, "EXIT", sizeof(*dev), &dev);

	if (!ret)
		ret = machine_add_window(m, WINDOW_PORT, X86_PORT_EXIT, PORTS, dev, 0);
	return ret;
}
