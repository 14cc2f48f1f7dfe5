/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control page, as include/bulkhead/control.h and docs/control-page.md define it: one page of
 * MMIO, whose first registers are I/O ports, too. Registers are 32 bits wide and take aligned
 * accesses of that width only.
 *
 * A heartbeat is counted before its time is written: who finds a new time finds its beat counted.
 */
#include "devices/control_page.h"

#include "devices/common.h"
#include "include/bulkhead/control.h"
#include "lib/util.h"

struct control_page {
	struct device dev;
	struct control_page_config config;
	struct {
		_Atomic uint64_t beats, last_beat_ns;
		_Atomic uint32_t locked, stop_request, stop_reply;
	} own;
};

static bool is_register(uint64_t offset, unsigned size)
{
	return size == sizeof(uint32_t) && offset % sizeof(uint32_t) == 0;
}

static uint64_t control_page_read(
	struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	const struct control_page_config *c = &container_of(dev, struct control_page, dev)->config;

	(void)index;
	if (!is_register(offset, size))
		return 0;
	switch (offset) {
	case BULKHEAD_CONTROL_ID:
		return BULKHEAD_CONTROL_MAGIC;
	case BULKHEAD_CONTROL_ABI:
		return BULKHEAD_CONTROL_VERSION;
	case BULKHEAD_CONTROL_HEARTBEAT:
		return (uint32_t)atomic_load(c->beats);
	case BULKHEAD_CONTROL_WATCHDOG:
		return c->watchdog_us;
	case BULKHEAD_CONTROL_STOP:
		return atomic_load(c->stop_request);
	case BULKHEAD_CONTROL_LOCK:
		return atomic_load(c->locked);
	default:
		return 0;
	}
}

static void control_page_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	const struct control_page_config *c = &container_of(dev, struct control_page, dev)->config;
	const struct machine_services *services = &dev->machine->services;

	(void)index;
	if (!is_register(offset, size))
		return;
	switch (offset) {
	case BULKHEAD_CONTROL_HEARTBEAT:
		atomic_fetch_add(c->beats, 1);
		atomic_store(c->last_beat_ns, monotonic_ns());
		break;
	case BULKHEAD_CONTROL_STOP:
		if (value == BULKHEAD_STOP_AGREE || value == BULKHEAD_STOP_VETO)
			atomic_store(c->stop_reply, (uint32_t)value);
		break;
	case BULKHEAD_CONTROL_LOCK:
		if (value <= 1)
			atomic_store(c->locked, (uint32_t)value);
		break;
	case BULKHEAD_CONTROL_EXIT:
		services->end(services->ctx, END_EXIT_CODE, (uint32_t)value, "control page");
		break;
	}
}

/* PNP0C02: resources of the board. It keeps the guest from giving the addresses to another. */
static const struct device_class control_page_class = {
	.name = "control_page",
	.acpi_hid = "PNP0C02",
	.read = control_page_read,
	.write = control_page_write,
	.destroy = device_free,
};

int control_page_create(struct machine *m, const struct control_page_config *config)
{
	struct control_page *page;
	struct device *dev;
	int ret = device_create(m, &control_page_class, "BKHD", sizeof(*page), &dev);

	if (ret)
		return ret;
	page = container_of(dev, struct control_page, dev);
	page->config = (struct control_page_config){
		.watchdog_us = config->watchdog_us,
		.beats = config->beats ?: &page->own.beats,
		.last_beat_ns = config->last_beat_ns ?: &page->own.last_beat_ns,
		.locked = config->locked ?: &page->own.locked,
		.stop_request = config->stop_request ?: &page->own.stop_request,
		.stop_reply = config->stop_reply ?: &page->own.stop_reply,
	};
	ret = machine_add_window(
		m, WINDOW_MMIO, BULKHEAD_CONTROL_ADDRESS, BULKHEAD_CONTROL_SIZE, dev, 0);
	if (!ret && m->arch == GUEST_X86_64)
		ret = machine_add_window(
			m, WINDOW_PORT, BULKHEAD_CONTROL_PORT, BULKHEAD_CONTROL_PORTS, dev, 1);
	return ret;
}
