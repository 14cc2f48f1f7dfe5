/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GICv2m: one MSI frame of the GIC [SBSA 3.1 appendix E], where QEMU's virt board has its own and
 * with the same SPIs. A device interrupts by writing an interrupt's number to MSI_SETSPI_NS; those
 * of PCI do so without coming here (arch_msi_route), so that what comes is a processor's own write.
 *
 * Nobody else uses the SPIs of the frame: each is an edge.
 */
#include "devices/gicv2m.h"

#include "devices/common.h"
#include "lib/util.h"
#include "vmm/layout_arm64.h"

#define MSI_TYPER     0x008
#define MSI_SETSPI_NS 0x040
#define MSI_IIDR      0xFCC

#define TYPER_BASE 16
#define IIDR       0x43B /* implementer ARM, as a real one; version 0 */

static uint32_t reg_read(struct device *dev, uint64_t offset)
{
	(void)dev;
	switch (offset) {
	case MSI_TYPER:
		return (ARM64_V2M_SPI + ARM64_PRIVATE_INTERRUPTS) << TYPER_BASE | ARM64_V2M_SPIS;
	case MSI_IIDR:
		return IIDR;
	default:
		return 0;
	}
}

static void reg_write(struct device *dev, uint64_t offset, uint32_t value)
{
	const struct machine_services *services = &dev->machine->services;
	const uint32_t spi = value - ARM64_PRIVATE_INTERRUPTS;

	if (offset != MSI_SETSPI_NS || spi < ARM64_V2M_SPI || spi - ARM64_V2M_SPI >= ARM64_V2M_SPIS)
		return;
	services->irq_set(services->ctx, spi, true);
	services->irq_set(services->ctx, spi, false);
}

static uint64_t gicv2m_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	(void)index;
	return wordwise_read(dev, offset, size, reg_read);
}

static void gicv2m_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	(void)index;
	wordwise_write(dev, offset, size, value, reg_write);
}

static const struct device_class gicv2m_class = {
	.name = "gicv2m",
	.read = gicv2m_read,
	.write = gicv2m_write,
	.destroy = device_free,
};

int gicv2m_create(struct machine *m)
{
	struct device *dev;
	int ret = device_create(m, &gicv2m_class, "V2M", sizeof(*dev), &dev);

	if (!ret)
		ret = machine_add_window(m, WINDOW_MMIO, ARM64_V2M_BASE, ARM64_V2M_SIZE, dev, 0);
	return ret;
}
