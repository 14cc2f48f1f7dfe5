/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control page, as include/bulkhead/control.h and docs/control-page.md define it: one page of
 * MMIO, whose first registers are I/O ports, too, on x86. Registers are 32 bits wide and take
 * aligned accesses of that width only. On arm64 the same is there as hypercalls, as
 * include/bulkhead/hypercall.h and docs/hypercalls.md define them.
 *
 * A heartbeat is counted before its time is written: who finds a new time finds its beat counted.
 */
#include "devices/control_page.h"

#include "devices/common.h"
#include "include/bulkhead/control.h"
#include "include/bulkhead/hypercall.h"
#include "lib/util.h"
#include "vmm/layout_arm64.h"

#include <string.h>

struct control_page {
	struct device dev;
	struct control_page_config config;
	_Atomic uint32_t log_address, log_address_high;
	struct {
		_Atomic uint64_t beats, last_beat_ns, longest_gap_ns;
		_Atomic uint32_t locked, stop_request, stop_reply;
	} own;
};

static struct control_page *to_page(struct device *dev)
{
	return container_of(dev, struct control_page, dev);
}

/* ---- what a guest may do; false: not with this argument ---- */

static void beat(const struct control_page *page)
{
	uint64_t now = monotonic_ns(), last = atomic_load(page->config.last_beat_ns);

	atomic_fetch_add(page->config.beats, 1);
	atomic_store(page->config.last_beat_ns, now);
	/* Of vCPUs that beat at the same moment one may miss the other's: by less than a gap. */
	if (last && last < now && now - last > atomic_load(page->config.longest_gap_ns))
		atomic_store(page->config.longest_gap_ns, now - last);
}

static bool reply(const struct control_page *page, uint32_t answer)
{
	if (answer != BULKHEAD_STOP_AGREE && answer != BULKHEAD_STOP_VETO)
		return false;
	atomic_store(page->config.stop_reply, answer);
	return true;
}

static bool lock(const struct control_page *page, uint32_t wanted)
{
	if (wanted > 1)
		return false;
	atomic_store(page->config.locked, wanted);
	return true;
}

static void end(const struct control_page *page, uint32_t code, const char *how)
{
	const struct machine_services *services = &page->dev.machine->services;

	services->end(services->ctx, END_EXIT_CODE, code, how);
}

/* Where machines have no logs, in tests, the text is read all the same. */
static bool log_text(const struct control_page *page, gpa_t address, uint64_t size)
{
	const struct machine *m = page->dev.machine;
	char text[BULKHEAD_LOG_MAX];

	if (!size || size > sizeof(text) || gmem_read(&m->gmem, address, text, size))
		return false;
	if (m->services.log)
		m->services.log(m->services.ctx, text, size);
	return true;
}

/* ---- by registers ---- */

static bool is_register(uint64_t offset, unsigned size)
{
	return size == sizeof(uint32_t) && offset % sizeof(uint32_t) == 0;
}

static uint64_t control_page_read(
	struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	const struct control_page *page = to_page(dev);
	const struct control_page_config *c = &page->config;

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
	case BULKHEAD_CONTROL_LOG_ADDRESS:
		return atomic_load(&page->log_address);
	case BULKHEAD_CONTROL_LOG_ADDRESS_HIGH:
		return atomic_load(&page->log_address_high);
	case BULKHEAD_CONTROL_LOG_SIZE:
		return BULKHEAD_LOG_MAX;
	default:
		return 0;
	}
}

static void control_page_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct control_page *page = to_page(dev);

	(void)index;
	if (!is_register(offset, size))
		return;
	switch (offset) {
	case BULKHEAD_CONTROL_HEARTBEAT:
		beat(page);
		break;
	case BULKHEAD_CONTROL_STOP:
		reply(page, (uint32_t)value);
		break;
	case BULKHEAD_CONTROL_LOCK:
		lock(page, (uint32_t)value);
		break;
	case BULKHEAD_CONTROL_EXIT:
		end(page, (uint32_t)value, "control page");
		break;
	case BULKHEAD_CONTROL_LOG_ADDRESS:
		atomic_store(&page->log_address, (uint32_t)value);
		break;
	case BULKHEAD_CONTROL_LOG_ADDRESS_HIGH:
		atomic_store(&page->log_address_high, (uint32_t)value);
		break;
	case BULKHEAD_CONTROL_LOG_SIZE:
		log_text(page,
			(gpa_t)atomic_load(&page->log_address_high) << 32 |
				atomic_load(&page->log_address),
			value);
		break;
	}
}

/* ---- by hypercalls ---- */

static uint64_t done(bool well)
{
	return (uint64_t)(well ? BULKHEAD_CALL_SUCCESS : BULKHEAD_CALL_INVALID_PARAMETERS);
}

static void control_page_call(struct device *dev, uint16_t function,
	const uint64_t args[MACHINE_CALL_ARGS], uint64_t ret_results[MACHINE_CALL_RESULTS])
{
	const struct control_page *page = to_page(dev);
	const struct control_page_config *c = &page->config;
	uint64_t results[MACHINE_CALL_RESULTS] = {BULKHEAD_CALL_SUCCESS};
	uint32_t argument = (uint32_t)args[0];

	switch (function) {
	case BULKHEAD_CALL_ID:
		results[0] = BULKHEAD_CALL_MAGIC;
		results[1] = BULKHEAD_CALL_VERSION;
		break;
	case BULKHEAD_CALL_HEARTBEAT:
		beat(page);
		break;
	case BULKHEAD_CALL_EXIT:
		end(page, argument, "hypercall");
		break;
	case BULKHEAD_CALL_LOG:
		results[0] = done(log_text(page, args[0], args[1]));
		break;
	case BULKHEAD_CALL_STATUS:
		results[1] = c->watchdog_us;
		results[2] = atomic_load(c->stop_request);
		results[3] = atomic_load(c->locked);
		break;
	case BULKHEAD_CALL_STOP_REPLY:
		results[0] = done(reply(page, argument));
		break;
	case BULKHEAD_CALL_LOCK:
		results[0] = done(lock(page, argument));
		break;
	default:
		results[0] = (uint64_t)BULKHEAD_CALL_NOT_SUPPORTED;
		break;
	}
	memcpy(ret_results, results, sizeof(results));
}

/* PNP0C02: resources of the board. It keeps the guest from giving the addresses to another. */
static const struct device_class control_page_class = {
	.name = "control_page",
	.acpi_hid = "PNP0C02",
	.fdt_compatible = "bulkhead,control",
	.read = control_page_read,
	.write = control_page_write,
	.call = control_page_call,
	.destroy = device_free,
};

static int add_windows(struct machine *m, struct device *dev)
{
	bool arm64 = m->arch == GUEST_ARM64;
	int ret = machine_add_window(m, WINDOW_MMIO,
		arm64 ? ARM64_CONTROL_BASE : BULKHEAD_CONTROL_ADDRESS_X86, BULKHEAD_CONTROL_SIZE,
		dev, 0);

	if (ret)
		return ret;
	if (arm64)
		return machine_add_window(
			m, WINDOW_CALL, (uint16_t)BULKHEAD_CALL64, BULKHEAD_CALL_FUNCTIONS, dev, 1);
	return machine_add_window(
		m, WINDOW_PORT, BULKHEAD_CONTROL_PORT, BULKHEAD_CONTROL_PORTS, dev, 1);
}

_Static_assert(ARM64_CONTROL_BASE == BULKHEAD_CONTROL_ADDRESS_ARM64, "where guests look for it");
_Static_assert((uint16_t)BULKHEAD_CALL32 == (uint16_t)BULKHEAD_CALL64, "one window for both");

int control_page_create(struct machine *m, const struct control_page_config *config)
{
	struct control_page *page;
	struct device *dev;
	int ret = device_create(m, &control_page_class, "BKHD", sizeof(*page), &dev);

	if (ret)
		return ret;
	page = to_page(dev);
	page->config = (struct control_page_config){
		.watchdog_us = config->watchdog_us,
		.beats = config->beats ?: &page->own.beats,
		.last_beat_ns = config->last_beat_ns ?: &page->own.last_beat_ns,
		.longest_gap_ns = config->longest_gap_ns ?: &page->own.longest_gap_ns,
		.locked = config->locked ?: &page->own.locked,
		.stop_request = config->stop_request ?: &page->own.stop_request,
		.stop_reply = config->stop_reply ?: &page->own.stop_reply,
	};
	return add_windows(m, dev);
}
