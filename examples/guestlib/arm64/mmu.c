/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stage 1 translation, 4 KiB granule, 48 bits [DDI 0487 D8]: memory of the map as Normal memory,
 * the first GiB (where the devices are) and what an image asks for as Device-nGnRE, all of it to
 * itself, in blocks of 1 GiB, or of 2 MiB where memory begins or ends within one.
 */
#include "arch.h"
#include "arm64.h"

#define GIB          (UINT64_C(1) << 30)
#define BLOCK_2M     (UINT64_C(2) << 20)
#define TABLES_MAX   12
#define DESC_BLOCK   1
#define DESC_TABLE   3
#define DESC_AF      (UINT64_C(1) << 10)
#define DESC_INNER   (UINT64_C(3) << 8)
#define DESC_NX      (UINT64_C(3) << 53) /* at EL1 and EL0 */
#define DESC_ADDRESS UINT64_C(0x0000FFFFFFFFF000)
/* Attribute 1 and 0 of start.S's MAIR. */
#define NORMAL (DESC_BLOCK | DESC_AF | DESC_INNER | 1 << 2)
#define DEVICE (DESC_BLOCK | DESC_AF | DESC_NX)

uint64_t page_map[512] __attribute__((aligned(4096)));
void mmu_on(void);

/* The table that ENTRY points to, made if there is none; NULL when it is a block. */
static uint64_t *table_at(uint64_t *entry)
{
	static uint64_t tables[TABLES_MAX][512] __attribute__((aligned(4096)));
	static unsigned used;

	if (!*entry) {
		if (used == TABLES_MAX)
			panic("mmu: no table left");
		*entry = (uint64_t)tables[used++] | DESC_TABLE;
	}
	return (*entry & 3) == DESC_TABLE ? (uint64_t *)(*entry & DESC_ADDRESS) : NULL;
}

static bool is_ram(uint64_t base, uint64_t size)
{
	for (unsigned i = 0; i < boot.range_count; i++) {
		const struct memory_range *r = &boot.ranges[i];

		if (base < r->base + r->size && r->base < base + size)
			return true;
	}
	return false;
}

static bool is_all_ram(uint64_t base, uint64_t size)
{
	for (uint64_t at = base; at < base + size; at += BLOCK_2M)
		if (!is_ram(at, BLOCK_2M))
			return false;
	return true;
}

static void map_gib(uint64_t base)
{
	uint64_t *gibs = table_at(&page_map[base >> 39 & 511]);
	uint64_t *entry = &gibs[base >> 30 & 511], *blocks;

	if (*entry)
		return;
	if (!is_ram(base, GIB)) {
		*entry = base | DEVICE;
	} else if (is_all_ram(base, GIB)) {
		*entry = base | NORMAL;
	} else {
		blocks = table_at(entry);
		for (uint64_t i = 0; i < 512; i++) {
			uint64_t at = base + i * BLOCK_2M;

			blocks[i] = at | (is_ram(at, BLOCK_2M) ? NORMAL : DEVICE);
		}
	}
}

void paging_map_gib(uint64_t gpa)
{
	map_gib(gpa & ~(GIB - 1));
	/* Entries that were not valid are in no TLB. */
	dsb();
	isb();
}

/* What was written without the MMU is in memory only: a stale line must not hide it. */
static void caches_clean(void)
{
	extern uint8_t data_start[], image_end[];
	uint64_t line = UINT64_C(4) << (sysreg_read(ctr_el0) >> 16 & 15);

	for (uint64_t at = (uint64_t)data_start & ~(line - 1); at < (uint64_t)image_end; at += line)
		__asm__ volatile("dc ivac, %0" : : "r"(at) : "memory");
	dsb();
}

void mmu_init(void)
{
	map_gib(0);
	for (unsigned i = 0; i < boot.range_count; i++) {
		const struct memory_range *r = &boot.ranges[i];

		for (uint64_t at = r->base & ~(GIB - 1); at < r->base + r->size; at += GIB)
			map_gib(at);
	}
	caches_clean();
	mmu_on();
}
