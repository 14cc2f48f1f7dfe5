/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/pci/bus.h"

#include "devices/common.h"
#include "lib/util.h"

#include <errno.h>
#include <string.h>

void pci_bus_init(struct pci_bus *bus, struct machine *m)
{
	bus->machine = m;
	pthread_mutex_init(&bus->lock, NULL);
	pthread_mutex_init(&bus->map_lock, NULL);
	pthread_mutex_init(&bus->intx_lock, NULL);
}

void pci_bus_fini(struct pci_bus *bus)
{
	pthread_mutex_destroy(&bus->lock);
	pthread_mutex_destroy(&bus->map_lock);
	pthread_mutex_destroy(&bus->intx_lock);
}

/* ---- functions ---- */

void pci_function_init(struct pci_function *f, const struct pci_setup *s)
{
	struct pci_config *c = &f->config;

	f->ops = s->ops;
	f->capability_end = PCI_HEADER_END;
	pci_config_set(c, PCI_VENDOR_ID, 2, s->vendor, 0);
	pci_config_set(c, PCI_DEVICE_ID, 2, s->device, 0);
	pci_config_set(c, PCI_REVISION_ID, 1, s->revision, 0);
	pci_config_set(c, PCI_CLASS_CODE, 3, s->class_code, 0);
	pci_config_set(c, PCI_SUBSYSTEM_VENDOR_ID, 2, s->subsystem_vendor, 0);
	pci_config_set(c, PCI_SUBSYSTEM_ID, 2, s->subsystem, 0);
}

int pci_function_create(
	struct machine *m, const struct pci_setup *setup, struct pci_function **ret_function)
{
	struct pci_function *f;
	struct device *dev;
	int ret = device_create(m, setup->cls, setup->name, setup->size, &dev);

	if (ret)
		return ret;
	f = container_of(dev, struct pci_function, dev);
	pci_function_init(f, setup);
	/* Each may read and write these; they change nothing here [PCI 3.0 6.2.2, 6.2.4]. */
	pci_config_set(&f->config, PCI_CACHE_LINE_SIZE, 1, 0, 0xFF);
	pci_config_set(&f->config, PCI_COMMAND, 2, 0, PCI_COMMAND_MASTER);
	*ret_function = f;
	return 0;
}

void pci_function_fini(struct pci_function *f)
{
	pci_msix_destroy(f);
}

void pci_function_free(struct device *dev)
{
	pci_function_fini(container_of(dev, struct pci_function, dev));
	device_free(dev);
}

int pci_function_add_capability(
	struct pci_function *f, uint8_t id, unsigned size, unsigned *ret_offset)
{
	unsigned at = (unsigned)align_up(f->capability_end, 4);
	unsigned link = f->capability_last ? f->capability_last + 1 : PCI_CAPABILITIES;
	uint32_t status = pci_config_read(&f->config, PCI_STATUS, 2);

	if (size < 2 || size > PCI_CONFIG_LEGACY || at + size > PCI_CONFIG_LEGACY)
		return -ENOSPC;
	pci_config_set(&f->config, link, 1, at, 0);
	pci_config_set(&f->config, at, 2, id, 0);
	pci_config_set(&f->config, PCI_STATUS, 2, status | PCI_STATUS_CAPABILITIES, 0);
	f->capability_last = at;
	f->capability_end = at + size;
	*ret_offset = at;
	return 0;
}

void pci_function_use_intx(struct pci_function *f, unsigned pin)
{
	f->pin = (uint8_t)pin;
	f->config.writable[PCI_COMMAND + 1] |= PCI_COMMAND_INTX_DISABLE >> 8;
	pci_config_set(&f->config, PCI_INTERRUPT_PIN, 1, pin, 0);
}

static unsigned line_of(const struct pci_function *f)
{
	return (PCI_DEVICE(f->devfn) + f->pin - 1u) % MACHINE_PCI_LINES;
}

void pci_bus_attach(struct pci_bus *bus, struct pci_function *f, uint8_t devfn)
{
	struct pci_function *first;

	f->bus = bus;
	f->devfn = devfn;
	bus->functions[devfn] = f;
	bus->function_count++;
	/* Where firmware tells those who have no tables which line it is [PCI 3.0 6.2.4]. */
	if (f->pin)
		pci_config_set(&f->config, PCI_INTERRUPT_LINE, 1,
			bus->machine->pci.gsis[line_of(f)], 0xFF);
	first = bus->functions[PCI_DEVFN(PCI_DEVICE(devfn), 0)];
	if (PCI_DEVFN(PCI_DEVICE(devfn), 0) != devfn)
		pci_config_set(&first->config, PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION, 0);
}

/* Whether a function may be put at DEVFN. Function 0 comes first: guests look for it alone. */
static int check_devfn(const struct pci_bus *bus, int devfn)
{
	if (devfn < PCI_DEVFN(1, 0) || devfn >= PCI_DEVFNS)
		return -EINVAL;
	if (!bus->functions[PCI_DEVFN(PCI_DEVICE(devfn), 0)] && devfn % 8)
		return -EINVAL;
	return bus->functions[devfn] ? -EEXIST : 0;
}

int pci_function_add(struct pci_function *f, int devfn)
{
	struct pci_bus *bus = pci_bus_of(f->dev.machine);
	int ret;

	if (!bus)
		return -ENODEV;
	if (bus->function_count == PCI_MAP_MAX / PCI_BARS)
		return -ENOSPC;
	if (devfn == PCI_DEVFN_ANY) {
		devfn = PCI_DEVFN(1, 0);
		while (devfn < PCI_DEVFNS && bus->functions[devfn])
			devfn += PCI_DEVFN(1, 0);
		if (devfn >= PCI_DEVFNS)
			return -ENOSPC;
	}
	ret = check_devfn(bus, devfn);
	if (!ret)
		ret = pci_bars_assign(bus, f);
	if (!ret)
		pci_bus_attach(bus, f, (uint8_t)devfn);
	return ret;
}

/* ---- configuration ---- */

static bool touches(unsigned offset, unsigned size, unsigned reg, unsigned reg_size)
{
	return ranges_overlap(offset, size, reg, reg_size);
}

/* Interrupt Status is the level, also of a function whose INTx is disabled [PCI 3.0 6.2.3]. */
static void refresh_status(struct pci_bus *bus, struct pci_function *f)
{
	uint8_t *status = &f->config.value[PCI_STATUS];

	pthread_mutex_lock(&bus->intx_lock);
	*status = (uint8_t)((*status & ~PCI_STATUS_INTERRUPT) |
			    (f->intx_asserted ? PCI_STATUS_INTERRUPT : 0));
	pthread_mutex_unlock(&bus->intx_lock);
}

uint32_t pci_bus_config_read(struct pci_bus *bus, uint8_t devfn, unsigned offset, unsigned size)
{
	struct pci_function *f = bus->functions[devfn];
	uint32_t value;

	if (!f)
		return UINT32_MAX;
	pthread_mutex_lock(&bus->lock);
	if (f->pin && touches(offset, size, PCI_STATUS, 2))
		refresh_status(bus, f);
	if (f->ops && f->ops->config_read)
		f->ops->config_read(f, offset, size);
	value = pci_config_read(&f->config, offset, size);
	pthread_mutex_unlock(&bus->lock);
	return value;
}

void pci_bus_config_write(
	struct pci_bus *bus, uint8_t devfn, unsigned offset, unsigned size, uint32_t value)
{
	struct pci_function *f = bus->functions[devfn];

	if (!f)
		return;
	pthread_mutex_lock(&bus->lock);
	pci_config_write(&f->config, offset, size, value);
	if (touches(offset, size, PCI_COMMAND, 2) ||
		touches(offset, size, PCI_BAR(0), 4 * PCI_BARS))
		pci_bars_update(bus);
	pci_msix_update(f);
	pci_intx_update(f);
	if (f->ops && f->ops->config_written)
		f->ops->config_written(f, offset, size);
	pthread_mutex_unlock(&bus->lock);
}

/* ---- apertures ---- */

/* The BAR that has all of [OFFSET, OFFSET + SIZE). */
static bool map_find(struct pci_bus *bus, enum machine_pci_space space, uint64_t offset,
	unsigned size, struct pci_mapping *ret_mapping)
{
	unsigned lo = 0, hi;
	bool found = false;

	pthread_mutex_lock(&bus->map_lock);
	hi = bus->map.count;
	while (lo < hi && !found) {
		unsigned mid = lo + (hi - lo) / 2;
		const struct pci_mapping *e = &bus->map.entries[mid];

		if (e->space == space && offset >= e->offset && offset - e->offset < e->size) {
			found = size <= e->size - (offset - e->offset);
			*ret_mapping = *e;
			break;
		}
		if (e->space < space || (e->space == space && e->offset < offset))
			lo = mid + 1;
		else
			hi = mid;
	}
	pthread_mutex_unlock(&bus->map_lock);
	return found;
}

bool pci_bus_claims(
	struct pci_bus *bus, enum machine_pci_space space, uint64_t offset, unsigned size)
{
	struct pci_mapping e;

	return map_find(bus, space, offset, size, &e) &&
	       !pci_bar_is_memory(e.function, e.bar, offset - e.offset, size);
}

uint64_t pci_bus_read(
	struct pci_bus *bus, enum machine_pci_space space, uint64_t offset, unsigned size)
{
	struct pci_mapping e;
	struct device *dev;

	/* It may have gone since pci_bus_claims. */
	if (!map_find(bus, space, offset, size, &e))
		return UINT64_MAX;
	dev = &e.function->dev;
	if (pci_msix_owns_bar(e.function, e.bar))
		return pci_msix_read(e.function, offset - e.offset, size);
	return dev->cls->read ? dev->cls->read(dev, e.bar, offset - e.offset, size) : UINT64_MAX;
}

void pci_bus_write(struct pci_bus *bus, enum machine_pci_space space, uint64_t offset,
	unsigned size, uint64_t value)
{
	struct pci_mapping e;
	struct device *dev;

	if (!map_find(bus, space, offset, size, &e))
		return;
	dev = &e.function->dev;
	if (pci_msix_owns_bar(e.function, e.bar))
		pci_msix_write(e.function, offset - e.offset, size, value);
	else if (dev->cls->write)
		dev->cls->write(dev, e.bar, offset - e.offset, size, value);
}

/* ---- INTx ---- */

/* Drives F's line as its state says; the line is up while one of its functions asserts it. */
static void intx_drive(struct pci_function *f)
{
	struct pci_bus *bus = f->bus;
	const struct machine_services *services = &bus->machine->services;
	unsigned line = line_of(f);
	bool drive = f->intx_asserted && !f->intx_disabled;

	if (drive == f->intx_driven)
		return;
	f->intx_driven = drive;
	bus->line_users[line] += drive ? 1u : -1u;
	if (bus->line_users[line] == (drive ? 1 : 0))
		services->irq_set(services->ctx, bus->machine->pci.gsis[line], drive);
}

void pci_intx_set(struct pci_function *f, bool asserted)
{
	if (!f->pin)
		return;
	pthread_mutex_lock(&f->bus->intx_lock);
	f->intx_asserted = asserted;
	intx_drive(f);
	pthread_mutex_unlock(&f->bus->intx_lock);
}

void pci_intx_update(struct pci_function *f)
{
	uint32_t command = pci_config_read(&f->config, PCI_COMMAND, 2);

	if (!f->pin)
		return;
	pthread_mutex_lock(&f->bus->intx_lock);
	f->intx_disabled = (command & PCI_COMMAND_INTX_DISABLE) || pci_msix_enabled(f);
	intx_drive(f);
	pthread_mutex_unlock(&f->bus->intx_lock);
}
