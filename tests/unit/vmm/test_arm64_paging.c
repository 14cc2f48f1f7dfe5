/* SPDX-License-Identifier: BSD-3-Clause */
/* The software walk of arm64's stage 1 tables, with every granule. */
#include "tests/unit/unit.h"

#include "lib/util.h"
#include "vmm/arm64/paging.h"

#include <string.h>

#define RAM  0x40000000
#define SIZE (1024 * 1024)

#define M          1u
#define TCR_4K_48  ((uint64_t)16 | (uint64_t)16 << 16 | (uint64_t)2 << 30)
#define TCR_4K_39  ((uint64_t)25 | (uint64_t)25 << 16 | (uint64_t)2 << 30)
#define TCR_16K_47 ((uint64_t)17 | (uint64_t)2 << 14 | (uint64_t)17 << 16 | (uint64_t)1 << 30)
#define TCR_64K_42 ((uint64_t)22 | (uint64_t)1 << 14 | (uint64_t)22 << 16 | (uint64_t)3 << 30)
#define TBI0       ((uint64_t)1 << 37)

#define TABLE 3u
#define PAGE  3u
#define BLOCK 1u

static uint8_t *ram;
static struct gmem gmem;
static struct arm64_paging regs;

static void setup(void)
{
	gmem = (struct gmem){0};
	ram = aligned_alloc(65536, SIZE);
	memset(ram, 0, SIZE);
	ck_assert_int_eq(gmem_add(&gmem, RAM, SIZE, ram), 0);
	regs = (struct arm64_paging){.sctlr = M, .tcr = TCR_4K_48, .ttbr0 = RAM, .ttbr1 = RAM};
}

static void teardown(void)
{
	free(ram);
}

static void put(uint64_t table, unsigned index, uint64_t desc)
{
	memcpy(ram + (table - RAM) + 8 * index, &desc, sizeof(desc));
}

static bool walk_translate(uint64_t va, gpa_t *ret_gpa)
{
	struct space space;

	arm64_space(&regs, &space);
	return space_translate(&gmem, &space, va, ret_gpa);
}

static void maps(uint64_t va, gpa_t want)
{
	gpa_t got = 0;

	ck_assert_msg(walk_translate(va, &got), "0x%llx is not mapped", (unsigned long long)va);
	ck_assert_msg(got == want, "0x%llx is at 0x%llx", (unsigned long long)va,
		(unsigned long long)got);
}

static void unmapped(uint64_t va)
{
	gpa_t got = 77;

	ck_assert(!walk_translate(va, &got));
	ck_assert_uint_eq(got, 77);
}

START_TEST(off)
{
	regs.sctlr = 0;
	maps(0x40080123, 0x40080123);
}
END_TEST

START_TEST(four_levels)
{
	uint64_t upper = 0xFFFF000000000000;

	put(RAM, 0, (RAM + 0x1000) | TABLE);
	put(RAM + 0x1000, 1, (RAM + 0x2000) | TABLE);
	put(RAM + 0x2000, 3, (RAM + 0x3000) | TABLE);
	put(RAM + 0x3000, 511, 0x5555555000 | (uint64_t)1 << 54 | PAGE); /* with attributes */
	put(RAM + 0x2000, 4, 0x80000000 | BLOCK);
	put(RAM + 0x1000, 2, 0xC0000000 | BLOCK);
	maps(0x407FF123, 0x5555555123);
	maps(upper | 0x407FF123, 0x5555555123);
	maps(0x40912345, 0x80112345);
	maps(0x81234567, 0xC1234567);
	unmapped(0x407FE000);
	unmapped(0x40A00000);
	unmapped(0xC0000000);
	unmapped(0x0001000040800000); /* in neither half */
	unmapped(0xFFFE0000407FF123);
}
END_TEST

START_TEST(three_levels)
{
	regs.tcr = TCR_4K_39;
	put(RAM, 1, (RAM + 0x1000) | TABLE);
	put(RAM + 0x1000, 0, 0x40000000 | BLOCK);
	maps(0x40001234, 0x40001234);
	maps(0xFFFFFF8040001234, 0x40001234);
	unmapped(0x8040001234);
}
END_TEST

START_TEST(granule_16k)
{
	regs.tcr = TCR_16K_47;
	put(RAM, 0, (RAM + 0x4000) | TABLE);
	put(RAM + 0x4000, 32, 0x42000000 | BLOCK); /* 32 MiB each */
	put(RAM + 0x4000, 33, (RAM + 0x8000) | TABLE);
	put(RAM + 0x8000, 1, 0x7FFFC000 | PAGE);
	maps(0x41234567, 0x43234567);
	maps(0x42004567, 0x7FFFC567);
	unmapped(0x42008000);
}
END_TEST

START_TEST(granule_64k)
{
	regs.tcr = TCR_64K_42;
	put(RAM, 2, 0x60000000 | BLOCK); /* 512 MiB each */
	put(RAM, 3, (RAM + 0x10000) | TABLE);
	put(RAM + 0x10000, 5, 0x12340000 | PAGE);
	maps(0x4ABCDEF0, 0x6ABCDEF0);
	maps(0x6005FFFF, 0x1234FFFF);
	unmapped(0x60060000);
}
END_TEST

START_TEST(tags)
{
	regs.tcr = TCR_4K_39;
	put(RAM, 1, 0x40000000 | BLOCK);
	unmapped(0x5A00000040001234);
	regs.tcr |= TBI0;
	maps(0x5A00000040001234, 0x40001234);
}
END_TEST

START_TEST(hostile)
{
	/* A table that is not RAM; itself; a reserved descriptor; sizes that cannot be. */
	put(RAM, 0, 0x80000000 | TABLE);
	unmapped(0x1000);
	put(RAM, 0, RAM | TABLE);
	maps(0, RAM);
	put(RAM, 1, 0xC0000000 | BLOCK); /* at level 0 */
	unmapped((uint64_t)1 << 39);
	regs.ttbr0 = UINT64_MAX;
	unmapped(0x1000);
	for (unsigned t0sz = 0; t0sz < 64; t0sz++) {
		for (unsigned tg = 0; tg < 4; tg++) {
			gpa_t gpa;

			regs.tcr = t0sz | tg << 14;
			regs.ttbr0 = RAM;
			walk_translate(0x123456789, &gpa);
		}
	}
	regs.tcr = TCR_4K_48 | 1 << 7; /* EPD0 */
	unmapped(0);
	regs.tcr = TCR_4K_48;
	regs.sctlr = M | 1 << 25; /* EE */
	unmapped(0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/arm64_paging");
	TCase *t = tcase_create("arm64_paging");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, off);
	tcase_add_test(t, four_levels);
	tcase_add_test(t, three_levels);
	tcase_add_test(t, granule_16k);
	tcase_add_test(t, granule_64k);
	tcase_add_test(t, tags);
	tcase_add_test(t, hostile);
	suite_add_tcase(s, t);
	return s;
}
