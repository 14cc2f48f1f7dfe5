/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory map against the memory: ranges sorted and apart; the size that memory= (bytes) says,
 * where the machine has it; every range's end can be written and no two places are one; what lies
 * past the ends reads all-ones and takes no writes.
 */
#include "memory.h"

#include "check.h"
#include "mmio.h"

#define GIB       (UINT64_C(1) << 30)
#define HIGH_BASE (4 * GIB)

static uint64_t ram_end_low, ram_end_high;

static void check_map(void)
{
	uint64_t end = 0;
	struct memory_range r;

	for (unsigned i = 0; memory_map(i, &r); i++) {
		kprintf("%016lx-%016lx type %u\n", r.base, r.base + r.size - 1, r.type);
		check(r.base >= end && r.size && r.base + r.size > r.base, "range %u is in order",
			i);
		end = r.base + r.size;
		if (r.type != MEMORY_RAM)
			continue;
		if (end <= HIGH_BASE)
			ram_end_low = end;
		else
			ram_end_high = end;
	}
}

static void mark(uint64_t address)
{
	paging_map_gib(address);
	mmio_write64(address, ~address ^ 0x5A5A);
}

static bool marked(uint64_t address)
{
	return mmio_read64(address) == (~address ^ 0x5A5A);
}

static void check_ends(void)
{
	struct memory_range r;

	for (unsigned i = 0; memory_map(i, &r); i++)
		if (r.type == MEMORY_RAM)
			mark(r.base + r.size - 8);
	for (unsigned i = 0; memory_map(i, &r); i++)
		if (r.type == MEMORY_RAM)
			check(marked(r.base + r.size - 8), "the last bytes of range %u are its own",
				i);
}

static void check_hole(uint64_t address)
{
	paging_map_gib(address);
	mmio_write64(address, 0);
	check(mmio_read64(address) == UINT64_MAX && mmio_read8(address + 3) == UINT8_MAX,
		"0x%lx is not there", address);
}

int guest_main(void)
{
	uint64_t size = cmdline_number("memory", 0);
	uint64_t low = size < memory_layout.low_max ? size : memory_layout.low_max;

	check_map();
	check(ram_end_low == memory_layout.low_base + low, "RAM below 4 GiB ends at 0x%lx",
		ram_end_low);
	check(ram_end_high == (size > low ? HIGH_BASE + size - low : 0),
		"RAM from 4 GiB ends at 0x%lx", ram_end_high);
	check_ends();
	if (ram_end_low < HIGH_BASE)
		check_hole(ram_end_low);
	check_hole(memory_layout.hole);
	check_hole(ram_end_high ? ram_end_high : HIGH_BASE);
	return checks_failed();
}
