/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtio over MMIO, version 2 [VIRTIO 1.2 4.2]: a window of registers, each 32 bits wide and
 * accessed so, followed by the device's configuration, and a level-triggered interrupt.
 *
 * Left out: the legacy interface, shared memory regions, resetting a single queue.
 *
 * A driver does not wait for a reset to end here, as it does on PCI. What it writes while requests
 * of before are still in work is ignored, so that it finds a device that does not answer, not one
 * that writes to memory which it has given away.
 */
#include "devices/virtio/mmio.h"

#include "devices/common.h"
#include "lib/util.h"

#include <linux/virtio_mmio.h>

#define MAGIC     0x74726976 /* "virt" */
#define VERSION   2
#define VENDOR_ID 0x44484B42 /* "BKHD"; nobody has given us one */

struct virtio_mmio {
	struct device dev;
	struct virtio_device *virtio; /* owned; its lock guards what follows */
	gpa_t base;
	uint32_t gsi;
	uint32_t interrupts; /* InterruptStatus; the line is the OR of its bits */
	uint32_t offered_sel, accepted_sel, queue_sel;
};

static struct virtio_mmio *to_mmio(struct device *dev)
{
	return container_of(dev, struct virtio_mmio, dev);
}

static void set_interrupts(struct virtio_mmio *t, uint32_t interrupts)
{
	const struct machine_services *services = &t->dev.machine->services;
	bool line = interrupts;

	if (line != !!t->interrupts)
		services->irq_set(services->ctx, t->gsi, line);
	t->interrupts = interrupts;
}

/* The value that is written is the queue's number; a doorbell hears no other. */
static void queue_switched(void *ctx, unsigned queue, bool on)
{
	struct virtio_mmio *t = ctx;
	const struct machine_services *services = &t->dev.machine->services;
	const struct machine_doorbell_place place = {
		.space = WINDOW_MMIO,
		.address = t->base + VIRTIO_MMIO_QUEUE_NOTIFY,
		.size = sizeof(uint32_t),
		.has_data = true,
		.data = queue,
	};

	services->doorbell_set(
		services->ctx, t->virtio->queues[queue].doorbell, on ? &place : NULL);
}

static void queue_interrupt(void *ctx, unsigned queue)
{
	struct virtio_mmio *t = ctx;

	(void)queue;
	set_interrupts(t, t->interrupts | VIRTIO_MMIO_INT_VRING);
}

static void config_interrupt(void *ctx)
{
	struct virtio_mmio *t = ctx;

	set_interrupts(t, t->interrupts | VIRTIO_MMIO_INT_CONFIG);
}

static void reset(void *ctx)
{
	struct virtio_mmio *t = ctx;

	set_interrupts(t, 0);
	t->offered_sel = t->accepted_sel = t->queue_sel = 0;
}

static const struct virtio_transport transport = {
	.queue_switched = queue_switched,
	.queue_interrupt = queue_interrupt,
	.config_interrupt = config_interrupt,
	.reset = reset,
};

/* ---- registers ---- */

static uint32_t reg_read(struct virtio_mmio *t, uint64_t offset)
{
	struct virtio_device *v = t->virtio;
	const struct virtio_queue *q = virtio_queue(v, t->queue_sel);

	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MAGIC;
	case VIRTIO_MMIO_VERSION:
		return VERSION;
	case VIRTIO_MMIO_DEVICE_ID:
		return v->cls->device_id;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR_ID;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return virtio_get_offered(v, t->offered_sel);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return q ? v->queue_size_max : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return q && q->enabled;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return t->interrupts;
	case VIRTIO_MMIO_STATUS:
		return virtio_get_status(v);
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return UINT32_MAX; /* no such region */
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return v->config_generation;
	default:
		return 0;
	}
}

static void queue_reg_write(struct virtio_queue *q, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM:
		/* A number that does not fit is as wrong as 0, and found wrong in the same way. */
		virtio_queue_set_size(q, value <= UINT16_MAX ? (uint16_t)value : 0);
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		if (value & 1)
			virtio_queue_enable(q);
		else
			virtio_queue_disable(q);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		virtio_queue_set_area(q, VIRTIO_AREA_DESC, offset & 4, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		virtio_queue_set_area(q, VIRTIO_AREA_DRIVER, offset & 4, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		virtio_queue_set_area(q, VIRTIO_AREA_DEVICE, offset & 4, value);
		break;
	}
}

static void reg_write(struct virtio_mmio *t, uint64_t offset, uint32_t value)
{
	struct virtio_device *v = t->virtio;
	struct virtio_queue *q = virtio_queue(v, t->queue_sel);

	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		t->offered_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		virtio_set_accepted(v, t->accepted_sel, value);
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		t->accepted_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		t->queue_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		if (virtio_queue(v, value))
			virtio_resume(v, value);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		set_interrupts(t, t->interrupts & ~value);
		break;
	case VIRTIO_MMIO_STATUS:
		virtio_set_status(v, (uint8_t)value);
		break;
	default:
		if (q)
			queue_reg_write(q, offset, value);
	}
}

static uint64_t mmio_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct virtio_mmio *t = to_mmio(dev);
	uint64_t value = 0;

	(void)index;
	virtio_lock(t->virtio);
	if (offset >= VIRTIO_MMIO_CONFIG)
		value = virtio_config_read(t->virtio, offset - VIRTIO_MMIO_CONFIG, size);
	else if (size == sizeof(uint32_t) && offset % size == 0)
		value = reg_read(t, offset);
	virtio_unlock(t->virtio);
	return value;
}

static void mmio_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct virtio_mmio *t = to_mmio(dev);

	(void)index;
	virtio_lock(t->virtio);
	if (offset >= VIRTIO_MMIO_CONFIG)
		virtio_config_write(t->virtio, offset - VIRTIO_MMIO_CONFIG, size, value);
	else if (size == sizeof(uint32_t) && offset % size == 0)
		reg_write(t, offset, (uint32_t)value);
	virtio_unlock(t->virtio);
}

static int mmio_start(struct device *dev)
{
	return virtio_start(to_mmio(dev)->virtio);
}

static void mmio_destroy(struct device *dev)
{
	virtio_destroy(to_mmio(dev)->virtio);
	device_free(dev);
}

static const struct device_class mmio_class = {
	.name = "virtio-mmio",
	.acpi_hid = "LNRO0005",
	.fdt_compatible = "virtio,mmio",
	.read = mmio_read,
	.write = mmio_write,
	.start = mmio_start,
	.destroy = mmio_destroy,
};

int virtio_mmio_create(
	struct machine *m, const struct virtio_mmio_config *cfg, struct virtio_device *v)
{
	struct device *dev;
	int ret = device_create(m, &mmio_class, cfg->name, sizeof(struct virtio_mmio), &dev);

	if (ret) {
		virtio_destroy(v);
		return ret;
	}
	to_mmio(dev)->virtio = v;
	to_mmio(dev)->base = cfg->base;
	to_mmio(dev)->gsi = cfg->gsi;
	virtio_attach(v, &transport, to_mmio(dev));
	ret = machine_add_window(m, WINDOW_MMIO, cfg->base, VIRTIO_MMIO_SIZE, dev, 0);
	return ret ? ret : machine_add_irq(m, dev, cfg->gsi, true);
}
