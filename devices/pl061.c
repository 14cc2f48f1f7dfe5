/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PL061 general-purpose I/O [ARM DDI 0190B]: eight pins, on one of which is the power button
 * (devices/power_button.h).
 *
 * Modelled: all registers, masked data, interrupts by level and by edge. A pin that nobody drives
 * is low, outputs lead nowhere. Left out: the test registers; GPIOAFSEL is kept, without effect.
 */
#include "devices/pl061.h"

#include "devices/common.h"
#include "lib/util.h"
#include "vmm/layout_arm64.h"

#include <pthread.h>

#define PL061_SIZE 0x1000

/* GPIODATA is at 256 places: bits 9 to 2 of the address are the pins that an access is about. */
#define GPIODATA_END 0x400

enum {
	GPIODIR = 0x400,
	GPIOIS = 0x404,
	GPIOIBE = 0x408,
	GPIOIEV = 0x40C,
	GPIOIE = 0x410,
	GPIORIS = 0x414,
	GPIOMIS = 0x418,
	GPIOIC = 0x41C,
	GPIOAFSEL = 0x420,
};

#define PL061_ID 0x00041061 /* GPIOPeriphID3 to 0 */

struct pl061 {
	struct device dev;
	pthread_mutex_t lock; /* guards all that follows, and the order of calls to irq_set */
	bool line;            /* level of the interrupt line */
	uint8_t driven;       /* levels of the pins from outside */
	uint8_t out;          /* what the guest wrote for those that are outputs */
	uint8_t dir, is, ibe, iev, ie, afsel;
	uint8_t edges; /* seen, not cleared */
};

static struct pl061 *to_pl061(struct device *dev)
{
	return container_of(dev, struct pl061, dev);
}

static uint8_t levels(const struct pl061 *g)
{
	return (g->driven & ~g->dir) | (g->out & g->dir);
}

/* By level where GPIOIS says so: high where GPIOIEV is set, low elsewhere. */
static uint8_t raw_status(const struct pl061 *g)
{
	return (g->is & ~(levels(g) ^ g->iev)) | (g->edges & ~g->is);
}

/* After a change: what the pins' levels have become since BEFORE, and the interrupt line. */
static void update(struct pl061 *g, uint8_t before)
{
	const struct machine_services *services = &g->dev.machine->services;
	uint8_t after = levels(g), wanted;
	bool line;

	wanted = g->ibe | ~(after ^ g->iev);
	g->edges |= (before ^ after) & wanted & ~g->is;
	line = raw_status(g) & g->ie;
	if (line == g->line)
		return;
	g->line = line;
	services->irq_set(services->ctx, ARM64_SPI_GPIO, line);
}

static uint32_t reg_read(struct device *dev, uint64_t offset)
{
	struct pl061 *g = to_pl061(dev);

	if (offset < GPIODATA_END)
		return levels(g) & offset >> 2;
	switch (offset) {
	case GPIODIR:
		return g->dir;
	case GPIOIS:
		return g->is;
	case GPIOIBE:
		return g->ibe;
	case GPIOIEV:
		return g->iev;
	case GPIOIE:
		return g->ie;
	case GPIORIS:
		return raw_status(g);
	case GPIOMIS:
		return raw_status(g) & g->ie;
	case GPIOAFSEL:
		return g->afsel;
	default:
		return primecell_id(PL061_ID, offset);
	}
}

static void reg_write(struct device *dev, uint64_t offset, uint32_t value)
{
	struct pl061 *g = to_pl061(dev);
	uint8_t before = levels(g), mask = (uint8_t)(offset >> 2) & g->dir, byte = (uint8_t)value;

	if (offset < GPIODATA_END)
		g->out = (g->out & ~mask) | (byte & mask);
	switch (offset) {
	case GPIODIR:
		g->dir = byte;
		break;
	case GPIOIS:
		g->is = byte;
		break;
	case GPIOIBE:
		g->ibe = byte;
		break;
	case GPIOIEV:
		g->iev = byte;
		break;
	case GPIOIE:
		g->ie = byte;
		break;
	case GPIOIC:
		g->edges &= (uint8_t)~byte;
		break;
	case GPIOAFSEL:
		g->afsel = byte;
		break;
	}
	update(g, before);
}

static uint64_t pl061_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct pl061 *g = to_pl061(dev);
	uint64_t value;

	(void)index;
	pthread_mutex_lock(&g->lock);
	value = wordwise_read(dev, offset, size, reg_read);
	pthread_mutex_unlock(&g->lock);
	return value;
}

static void pl061_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct pl061 *g = to_pl061(dev);

	(void)index;
	pthread_mutex_lock(&g->lock);
	wordwise_write(dev, offset, size, value, reg_write);
	pthread_mutex_unlock(&g->lock);
}

static void pl061_destroy(struct device *dev)
{
	pthread_mutex_destroy(&to_pl061(dev)->lock);
	device_free(dev);
}

static const struct device_class pl061_class = {
	.name = "pl061",
	.fdt_compatible = "arm,pl061",
	.read = pl061_read,
	.write = pl061_write,
	.destroy = pl061_destroy,
};

int pl061_create(struct machine *m)
{
	struct device *dev;
	int ret = device_create(m, &pl061_class, "GPIO", sizeof(struct pl061), &dev);

	if (ret)
		return ret;
	pthread_mutex_init(&to_pl061(dev)->lock, NULL);
	ret = machine_add_window(m, WINDOW_MMIO, ARM64_GPIO_BASE, PL061_SIZE, dev, 0);
	return ret ? ret : machine_add_irq(m, dev, ARM64_SPI_GPIO, true);
}

bool pl061_drive(const struct machine *m, unsigned pin, bool high)
{
	struct device *dev = device_find(m, &pl061_class);
	struct pl061 *g;
	uint8_t before;

	if (!dev)
		return false;
	g = to_pl061(dev);
	pthread_mutex_lock(&g->lock);
	before = levels(g);
	g->driven = (uint8_t)((g->driven & ~(1u << pin)) | (unsigned)high << pin);
	update(g, before);
	pthread_mutex_unlock(&g->lock);
	return true;
}

bool pl061_pending(const struct machine *m, unsigned pin)
{
	struct device *dev = device_find(m, &pl061_class);
	struct pl061 *g;
	bool pending;

	if (!dev)
		return false;
	g = to_pl061(dev);
	pthread_mutex_lock(&g->lock);
	pending = (g->edges & ~g->is & g->ie) >> pin & 1;
	pthread_mutex_unlock(&g->lock);
	return pending;
}
