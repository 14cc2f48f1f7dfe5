/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reset control register at port 0xCF9 [Intel ICH9 datasheet 13.7.5]: bit 2 (RST_CPU) going from 0
 * to 1 resets; bits 1 (SYS_RST) and 3 (FULL_RST), which choose how, are kept and otherwise make no
 * difference: there is no firmware that a soft reset could return to.
 *
 * The register answers byte accesses only, so its window is this one port: a dword at 0xCF8 is PCI
 * configuration's and never comes here. Where there is PCI, the port is the host bridge's, which
 * passes bytes on.
 */
#include "devices/reset_port.h"

#include "devices/common.h"
#include "devices/pci/host.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

#include <stdatomic.h>

#define RST_CPU    0x04
#define RESET_MASK 0x0E

struct reset_port {
	struct device dev;
	_Atomic uint8_t value;
};

static uint64_t reset_port_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct reset_port *r = container_of(dev, struct reset_port, dev);

	(void)index, (void)offset, (void)size;
	return atomic_load(&r->value);
}

static void reset_port_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct reset_port *r = container_of(dev, struct reset_port, dev);
	const struct machine_services *services = &dev->machine->services;
	uint8_t before = atomic_exchange(&r->value, value & RESET_MASK);

	(void)index, (void)offset, (void)size;
	if (value & ~before & RST_CPU)
		services->end(services->ctx, END_RESET, 0, "reset port 0xCF9");
}

static const struct device_class reset_port_class = {
	.name = "reset_port",
	.read = reset_port_read,
	.write = reset_port_write,
	.destroy = device_free,
};

int reset_port_create(struct machine *m)
{
	struct device *dev;
	int ret = device_create(m, &reset_port_class, "RESET", sizeof(struct reset_port), &dev);

	if (ret)
		return ret;
	if (!m->pci.host)
		return machine_add_window(m, WINDOW_PORT, X86_PORT_RESET, 1, dev, 0);
	pci_host_lend_port(m, X86_PORT_RESET, dev);
	return 0;
}
