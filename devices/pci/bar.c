/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Base address registers [PCI 3.0 6.2.5]: their masks, from which a guest tells their size; their
 * places before the start; and where they are decoded.
 *
 * A BAR is decoded where its register says while Command enables its space, if all of it is in an
 * aperture of the host bridge. Of BARs that overlap the one with the lowest device, function and
 * number is decoded, the others are not, anywhere, as long as they overlap with it: what a guest
 * that makes such a mess finds depends on its registers alone, not on how they came to be so.
 */
#include "devices/pci/bus.h"
#include "lib/util.h"

#include <errno.h>
#include <string.h>

#define BAR_IO       0x1 /* the register's low bits */
#define BAR_MEM64    0x4
#define BAR_PREFETCH 0x8
#define BAR_IO_MASK  0x3
#define BAR_MEM_MASK 0xF

/* Where BARs of this size or larger go, if they may: the rest of the low aperture stays free. */
#define LARGE_BAR (256 * MIB)

static bool is_64(enum pci_bar_type type)
{
	return type == PCI_BAR_MEM64 || type == PCI_BAR_MEM64_PREFETCH;
}

int pci_function_add_bar(
	struct pci_function *f, unsigned bar, enum pci_bar_type type, uint64_t size)
{
	static const uint8_t flags[] = {
		[PCI_BAR_IO] = BAR_IO,
		[PCI_BAR_MEM32] = 0,
		[PCI_BAR_MEM64] = BAR_MEM64,
		[PCI_BAR_MEM64_PREFETCH] = BAR_MEM64 | BAR_PREFETCH,
	};
	uint64_t mask = ~(size - 1);
	unsigned last = bar + is_64(type);

	if (type == PCI_BAR_NONE || last >= PCI_BARS || size < 16 || size & (size - 1))
		return -EINVAL;
	if (type == PCI_BAR_IO ? size > 256 : !is_64(type) && size > 2 * GIB)
		return -EINVAL;
	if (f->bars[bar].type || f->bars[last].type || (bar && is_64(f->bars[bar - 1].type)))
		return -EEXIST;
	f->bars[bar] = (struct pci_bar){.type = type, .size = size};
	/* Ports have 16 bits: the others are 0, which is how a guest tells. */
	pci_config_set(&f->config, PCI_BAR(bar), 4, flags[type],
		(uint32_t)mask & (type == PCI_BAR_IO ? 0xFFFF : UINT32_MAX));
	if (is_64(type))
		pci_config_set(&f->config, PCI_BAR(bar + 1), 4, 0, (uint32_t)(mask >> 32));
	f->config.writable[PCI_COMMAND] |= type == PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	return 0;
}

int pci_function_back_bar(struct pci_function *f, unsigned bar, const struct pci_backing *backing)
{
	struct pci_bar *b;
	unsigned memory;
	int ret;

	if (bar >= PCI_BARS || f->bars[bar].type < PCI_BAR_MEM32 || backing->offset % (4 * KIB) ||
		backing->offset > f->bars[bar].size ||
		backing->size > f->bars[bar].size - backing->offset)
		return -EINVAL;
	b = &f->bars[bar];
	for (unsigned i = 0; i < b->backing_count; i++) {
		if (ranges_overlap(b->backings[i].offset, b->backings[i].size, backing->offset,
			    backing->size))
			return -EEXIST;
	}
	if (b->backing_count == PCI_BACKINGS_MAX)
		return -ENOSPC;
	ret = machine_add_memory(
		f->dev.machine, backing->size, backing->hva, backing->readonly, &memory);
	if (ret)
		return ret;
	b->backings[b->backing_count].offset = backing->offset;
	b->backings[b->backing_count].size = backing->size;
	b->backings[b->backing_count++].memory = memory;
	return 0;
}

bool pci_bar_is_memory(const struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
	const struct pci_bar *b = &f->bars[bar];

	for (unsigned i = 0; i < b->backing_count; i++) {
		if (atomic_load(&b->backings[i].on) &&
			ranges_overlap(offset, size, b->backings[i].offset, b->backings[i].size))
			return true;
	}
	return false;
}

static uint64_t bar_address(const struct pci_function *f, unsigned bar)
{
	uint64_t low = pci_config_read(&f->config, PCI_BAR(bar), 4);
	uint64_t high = 0;

	if (is_64(f->bars[bar].type))
		high = pci_config_read(&f->config, PCI_BAR(bar + 1), 4);
	low &= f->bars[bar].type == PCI_BAR_IO ? ~(uint64_t)BAR_IO_MASK : ~(uint64_t)BAR_MEM_MASK;
	return high << 32 | low;
}

/* ---- before the start ---- */

/* The lowest free place in an aperture, aligned as a BAR is by nature; a page has one BAR. */
static bool aperture_take(
	struct pci_bus *bus, enum machine_pci_space space, uint64_t size, uint64_t *ret_address)
{
	const struct machine_pci_aperture *a = &bus->machine->pci.apertures[space];
	uint64_t step = space == MACHINE_PCI_IO ? size : max_u64(size, 4 * KIB);
	/* Address 0 is that of a BAR that nobody has given one. */
	uint64_t free = a->bus_base + bus->free[space] ? bus->free[space] : step;
	uint64_t at = align_up(a->bus_base + free, step) - a->bus_base;

	if (size > a->size || at > a->size - size)
		return false;
	bus->free[space] = at + size;
	*ret_address = a->bus_base + at;
	return true;
}

static int assign(struct pci_bus *bus, struct pci_function *f, unsigned bar)
{
	const struct pci_bar *b = &f->bars[bar];
	uint64_t address;
	bool taken;

	if (b->type == PCI_BAR_IO)
		taken = aperture_take(bus, MACHINE_PCI_IO, b->size, &address);
	else
		taken = (is_64(b->type) && b->size >= LARGE_BAR &&
				aperture_take(bus, MACHINE_PCI_MEM64, b->size, &address)) ||
			aperture_take(bus, MACHINE_PCI_MEM32, b->size, &address) ||
			(is_64(b->type) &&
				aperture_take(bus, MACHINE_PCI_MEM64, b->size, &address));
	if (!taken)
		return -ENOSPC;
	pci_config_write(&f->config, PCI_BAR(bar), 4, (uint32_t)address);
	if (is_64(b->type))
		pci_config_write(&f->config, PCI_BAR(bar + 1), 4, (uint32_t)(address >> 32));
	return 0;
}

int pci_bars_assign(struct pci_bus *bus, struct pci_function *f)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < PCI_BARS; i++)
		ret = f->bars[i].type ? assign(bus, f, i) : 0;
	return ret;
}

/* ---- decoding ---- */

/* The aperture that has all of the BAR's addresses. */
static bool find_aperture(
	const struct pci_bus *bus, const struct pci_bar *bar, uint64_t address, unsigned *ret_space)
{
	bool io = bar->type == PCI_BAR_IO;

	for (unsigned i = 0; address && i < MACHINE_PCI_SPACES; i++) {
		const struct machine_pci_aperture *a = &bus->machine->pci.apertures[i];

		if (io != (i == MACHINE_PCI_IO) || address < a->bus_base || bar->size > a->size)
			continue;
		if (address - a->bus_base <= a->size - bar->size) {
			*ret_space = i;
			return true;
		}
	}
	return false;
}

/* Puts E in its place in MAP unless it overlaps what is there. */
static void map_insert(struct pci_map *map, const struct pci_mapping *e)
{
	unsigned at = 0;

	for (unsigned i = 0; i < map->count; i++) {
		const struct pci_mapping *o = &map->entries[i];

		if (o->space == e->space && ranges_overlap(o->offset, o->size, e->offset, e->size))
			return;
		if (o->space < e->space || (o->space == e->space && o->offset < e->offset))
			at = i + 1;
	}
	if (map->count == PCI_MAP_MAX)
		return;
	memmove(&map->entries[at + 1], &map->entries[at],
		(map->count - at) * sizeof(map->entries[0]));
	map->entries[at] = *e;
	map->count++;
}

static void map_function(struct pci_bus *bus, struct pci_function *f)
{
	uint32_t command = pci_config_read(&f->config, PCI_COMMAND, 2);

	for (unsigned i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *bar = &f->bars[i];
		uint64_t address;
		unsigned space;

		if (!bar->type || !(command & (bar->type == PCI_BAR_IO ? PCI_COMMAND_IO
								       : PCI_COMMAND_MEMORY)))
			continue;
		address = bar_address(f, i);
		if (!find_aperture(bus, bar, address, &space))
			continue;
		map_insert(&bus->next,
			&(struct pci_mapping){
				.space = space,
				.offset = address - bus->machine->pci.apertures[space].bus_base,
				.size = bar->size,
				.function = f,
				.bar = i,
			});
	}
}

static void place(struct pci_function *f, unsigned bar, const struct pci_place *place)
{
	const struct machine_services *services = &f->dev.machine->services;
	struct pci_bar *b = &f->bars[bar];

	b->placed = place;
	if (place)
		b->place = *place;
	for (unsigned i = 0; i < b->backing_count; i++) {
		gpa_t address = place ? place->address + b->backings[i].offset : 0;
		int ret;

		atomic_store(&b->backings[i].on, false);
		/* If that fails, the class sees what memory would have taken. */
		ret = services->memory_set(
			services->ctx, b->backings[i].memory, place ? &address : NULL);
		atomic_store(&b->backings[i].on, place && !ret);
	}
	if (f->ops && f->ops->place)
		f->ops->place(f, bar, place);
}

static struct pci_place place_of(const struct pci_bus *bus, const struct pci_mapping *e)
{
	const struct machine_pci_aperture *a = &bus->machine->pci.apertures[e->space];

	return (struct pci_place){.space = a->window, .address = a->base + e->offset};
}

static bool same_place(const struct pci_place *a, const struct pci_place *b)
{
	return a->space == b->space && a->address == b->address;
}

static bool is_in(const struct pci_bus *bus, const struct pci_map *map, const struct pci_mapping *e)
{
	struct pci_place there, here = place_of(bus, e);

	for (unsigned i = 0; i < map->count; i++) {
		const struct pci_mapping *o = &map->entries[i];

		there = place_of(bus, o);
		if (o->function == e->function && o->bar == e->bar && same_place(&there, &here))
			return true;
	}
	return false;
}

void pci_bars_update(struct pci_bus *bus)
{
	bus->next.count = 0;
	for (unsigned i = 0; i < PCI_DEVFNS; i++) {
		if (bus->functions[i])
			map_function(bus, bus->functions[i]);
	}
	/* What goes first: another may come to where it was. `map` is written here alone. */
	for (unsigned i = 0; i < bus->map.count; i++) {
		const struct pci_mapping *e = &bus->map.entries[i];

		if (!is_in(bus, &bus->next, e))
			place(e->function, e->bar, NULL);
	}
	pthread_mutex_lock(&bus->map_lock);
	bus->map.count = bus->next.count;
	memcpy(bus->map.entries, bus->next.entries, bus->next.count * sizeof(bus->next.entries[0]));
	pthread_mutex_unlock(&bus->map_lock);
	for (unsigned i = 0; i < bus->next.count; i++) {
		const struct pci_mapping *e = &bus->next.entries[i];
		struct pci_place where = place_of(bus, e);

		if (!e->function->bars[e->bar].placed)
			place(e->function, e->bar, &where);
	}
}
