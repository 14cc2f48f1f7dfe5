/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices of struct machine: registers and interrupts are theirs, what a binding asks for beside
 * them is the class's, in the table here. Names are those of QEMU's virt board: what follows the
 * comma in "arm,pl011", and the first register's address.
 */
#include "fdt/nodes.h"
#include "vmm/device.h"
#include "vmm/layout_arm64.h"

#include <inttypes.h>
#include <string.h>

#define CLOCK_HZ 24000000

/* [Linux include/uapi/linux/input-event-codes.h] */
#define KEY_POWER 116

/* More registers and interrupts than a device has. */
#define DEVICE_WINDOWS_MAX 4
#define DEVICE_IRQS_MAX    4

static void emit_pl011(struct tree *t)
{
	TREE_CELLS(t, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
	TREE_STRINGS(t, "clock-names", "uartclk\0apb_pclk");
}

static void emit_pl031(struct tree *t)
{
	TREE_CELLS(t, "clocks", PHANDLE_CLOCK);
	tree_string(t, "clock-names", "apb_pclk");
}

static void emit_pl061(struct tree *t)
{
	emit_pl031(t);
	tree_flag(t, "gpio-controller");
	TREE_CELLS(t, "#gpio-cells", 2);
}

/* DMA sees what the processor has in its caches. */
static void emit_dma_coherent(struct tree *t)
{
	tree_flag(t, "dma-coherent");
}

/* Classes that need more than registers, interrupts and their name. */
static const struct binding {
	const char *compatible;       /* the class's */
	const char *node;             /* NULL: what follows the comma */
	const char *list;             /* what the tree says: strings with a NUL after each */
	size_t list_size;             /* 0: compatible alone */
	void (*emit)(struct tree *t); /* NULL: nothing more */
	bool clock;                   /* refers to the clock */
	uint32_t phandle;             /* of a class that the machine has one of; 0: any */
	const char *label;            /* likewise; NULL: the device's name */
} bindings[] = {
#define PRIMECELL(name)                                                                            \
	.compatible = "arm," name, .list = "arm," name "\0arm,primecell",                          \
	.list_size = sizeof("arm," name "\0arm,primecell"), .clock = true
	{PRIMECELL("pl011"), .emit = emit_pl011},
	{PRIMECELL("pl031"), .emit = emit_pl031},
	/* Not gpio, which dtc takes for a property that names a pin. */
	{PRIMECELL("pl061"), .emit = emit_pl061, .phandle = PHANDLE_GPIO, .label = "gpio0"},
#undef PRIMECELL
	{.compatible = "bulkhead,control", .label = "control"},
	{.compatible = "qemu,fw-cfg-mmio", .node = "fw-cfg", .emit = emit_dma_coherent},
	{.compatible = "virtio,mmio", .node = "virtio_mmio", .emit = emit_dma_coherent},
};

static const struct binding *binding_find(const char *compatible)
{
	for (size_t i = 0; i < ARRAY_SIZE(bindings); i++) {
		if (!strcmp(bindings[i].compatible, compatible))
			return &bindings[i];
	}
	return NULL;
}

/* The device's first device register window, or NULL. */
static const struct machine_window *first_window(const struct device *dev)
{
	const struct machine *m = dev->machine;

	for (unsigned i = 0; i < m->window_count; i++) {
		if (m->windows[i].space == WINDOW_MMIO && m->windows[i].dev == dev)
			return &m->windows[i];
	}
	return NULL;
}

/* "pl011@9000000" */
static void node_name(const struct device *dev, char *buf, size_t size)
{
	const char *name = dev->cls->fdt_compatible, *comma = strchr(name, ',');
	const struct binding *b = binding_find(name);
	const struct machine_window *w = first_window(dev);

	name = b && b->node ? b->node : comma ? comma + 1 : name;
	if (w)
		snprintf(buf, size, "%s@%" PRIx64, name, w->base);
	else
		snprintf(buf, size, "%s", name);
}

static void emit_reg(struct tree *t, const struct device *dev)
{
	const struct machine *m = dev->machine;
	uint32_t reg[4 * DEVICE_WINDOWS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < m->window_count && n + 4 <= ARRAY_SIZE(reg); i++) {
		const struct machine_window *w = &m->windows[i];
		const uint32_t cells[] = {TREE_PAIR(w->base), TREE_PAIR(w->size)};

		if (w->space != WINDOW_MMIO || w->dev != dev)
			continue;
		memcpy(reg + n, cells, sizeof(cells));
		n += 4;
	}
	if (n)
		tree_cells(t, "reg", reg, n);
}

static void emit_interrupts(struct tree *t, const struct device *dev)
{
	const struct machine *m = dev->machine;
	uint32_t irqs[3 * DEVICE_IRQS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < m->irq_count && n + 3 <= ARRAY_SIZE(irqs); i++) {
		if (m->irqs[i].dev != dev)
			continue;
		irqs[n++] = GIC_SPI;
		irqs[n++] = m->irqs[i].gsi;
		irqs[n++] = m->irqs[i].level ? GIC_LEVEL_HIGH : GIC_EDGE_RISING;
	}
	if (n)
		tree_cells(t, "interrupts", irqs, n);
}

static void emit_device(struct tree *t, const struct device *dev)
{
	const char *compatible = dev->cls->fdt_compatible;
	const struct binding *b = binding_find(compatible);
	char name[TREE_PATH_MAX];

	node_name(dev, name, sizeof(name));
	tree_begin(t, "%s", name);
	tree_label(t, b ? b->phandle : 0, "%s", b && b->label ? b->label : dev->name);
	if (b && b->list_size)
		tree_bytes(t, "compatible", b->list, b->list_size);
	else
		tree_string(t, "compatible", compatible);
	emit_reg(t, dev);
	emit_interrupts(t, dev);
	if (b && b->emit)
		b->emit(t);
	tree_end(t);
}

static void emit_clock(struct tree *t)
{
	tree_begin(t, "apb-pclk");
	tree_label(t, PHANDLE_CLOCK, "apb_pclk");
	tree_string(t, "compatible", "fixed-clock");
	TREE_CELLS(t, "#clock-cells", 0);
	TREE_CELLS(t, "clock-frequency", CLOCK_HZ);
	tree_string(t, "clock-output-names", "clk24mhz");
	tree_end(t);
}

static void emit_power_button(struct tree *t)
{
	tree_begin(t, "gpio-keys");
	tree_string(t, "compatible", "gpio-keys");
	tree_begin(t, "poweroff");
	tree_string(t, "label", "GPIO Key Poweroff");
	TREE_CELLS(t, "linux,code", KEY_POWER);
	TREE_CELLS(t, "gpios", PHANDLE_GPIO, ARM64_GPIO_POWER_BUTTON, 0);
	tree_end(t);
	tree_end(t);
}

static bool is_described(const struct device *dev, const char *compatible)
{
	return dev->cls->fdt_compatible &&
	       (!compatible || !strcmp(dev->cls->fdt_compatible, compatible));
}

void devices_emit(struct tree *t, const struct machine *m)
{
	bool clock = false, gpio = false;

	for (unsigned i = 0; i < m->device_count; i++) {
		const struct device *dev = m->devices[i];
		const struct binding *b;

		if (!is_described(dev, NULL))
			continue;
		b = binding_find(dev->cls->fdt_compatible);
		clock = clock || (b && b->clock);
		gpio = gpio || is_described(dev, "arm,pl061");
		emit_device(t, dev);
	}
	if (clock)
		emit_clock(t);
	if (gpio)
		emit_power_button(t);
}

void devices_console(const struct machine *m, char *buf)
{
	buf[0] = '\0';
	for (unsigned i = 0; i < m->device_count && !buf[0]; i++) {
		if (is_described(m->devices[i], "arm,pl011")) {
			buf[0] = '/';
			node_name(m->devices[i], buf + 1, TREE_PATH_MAX - 1);
		}
	}
}
