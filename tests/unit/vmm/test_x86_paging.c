/* SPDX-License-Identifier: BSD-3-Clause */
/* The software walk of x86's tables in each mode, and the walk over all that is mapped. */
#include "tests/unit/unit.h"

#include "lib/util.h"
#include "vmm/x86/paging.h"

#include <string.h>

#define RAM  0x100000
#define SIZE (64 * 1024)

#define PG  ((uint64_t)1 << 31)
#define PSE (1u << 4)
#define PAE (1u << 5)
#define LA5 (1u << 12)
#define LMA (1u << 10)

#define P  1u
#define PS 0x80u
#define NX ((uint64_t)1 << 63)

static uint8_t *ram;
static struct gmem gmem;
static struct x86_paging regs;

static void setup(void)
{
	gmem = (struct gmem){0};
	ram = aligned_alloc(4096, SIZE);
	memset(ram, 0, SIZE);
	ck_assert_int_eq(gmem_add(&gmem, RAM, SIZE, ram), 0);
	regs = (struct x86_paging){.cr0 = PG, .cr3 = RAM | 0x18, .cr4 = PAE, .efer = LMA};
}

static void teardown(void)
{
	free(ram);
}

static void put(uint64_t table, unsigned index, uint64_t entry)
{
	memcpy(ram + (table - RAM) + 8 * index, &entry, sizeof(entry));
}

static void put_32(uint64_t table, unsigned index, uint32_t entry)
{
	memcpy(ram + (table - RAM) + 4 * index, &entry, sizeof(entry));
}

static bool translate(uint64_t va, gpa_t *ret_gpa)
{
	struct space space;

	x86_space(&regs, &space);
	return space_translate(&gmem, &space, va, ret_gpa);
}

static void maps(uint64_t va, gpa_t want)
{
	gpa_t got = 0;

	ck_assert_msg(translate(va, &got), "0x%llx is not mapped", (unsigned long long)va);
	ck_assert_msg(got == want, "0x%llx is at 0x%llx", (unsigned long long)va,
		(unsigned long long)got);
}

static void unmapped(uint64_t va)
{
	gpa_t got = 77;

	ck_assert(!translate(va, &got));
	ck_assert_uint_eq(got, 77);
}

START_TEST(off)
{
	regs.cr0 = 1;
	maps(0x12345678, 0x12345678);
}
END_TEST

static void map_kernel(void)
{
	put(RAM, 511, (RAM + 0x1000) | P);
	put(RAM + 0x1000, 510, (RAM + 0x2000) | P);
	put(RAM + 0x1000, 511, 0x80000000 | PS | P);
	put(RAM + 0x2000, 8, 0x1600000 | PS | P | NX);
	put(RAM + 0x2000, 9, (RAM + 0x3000) | P);
	put(RAM + 0x3000, 1, 0x123456789000 | P | PS); /* PAT: in a page of 4 KiB */
}

START_TEST(four_levels)
{
	map_kernel();
	put(RAM, 0, (RAM + 0x1000) | P);
	maps(0xFFFFFFFF81012345, 0x1612345);
	maps(0xFFFFFFFF81201FFF, 0x123456789FFF);
	maps(0xFFFFFFFFC0001234, 0x80001234);
	maps(0x7F81012345, 0x1612345);
	unmapped(0xFFFFFFFF81202000);
	unmapped(0xFFFFFFFF80000000);
	unmapped(0xFFFF7FFFFFFFFFFF);     /* not canonical */
	put(RAM, 1, 0x80000000 | PS | P); /* reserved at this level */
	unmapped((uint64_t)1 << 39);
}
END_TEST

START_TEST(five_levels)
{
	regs.cr4 |= LA5;
	put(RAM, 511, (RAM + 0x4000) | P);
	put(RAM + 0x4000, 511, (RAM + 0x1000) | P);
	put(RAM + 0x1000, 511, 0x80000000 | PS | P);
	maps(0xFFFFFFFFC0001234, 0x80001234);
	unmapped(0xFFFFFFFF80000000);
	unmapped(0x00FFFFFFC0001234);
}
END_TEST

START_TEST(pae)
{
	regs.efer = 0;
	regs.cr3 = RAM + 0x20;
	put(RAM + 0x20, 3, (RAM + 0x1000) | P);
	put(RAM + 0x1000, 0, 0x40000000 | PS | P);
	put(RAM + 0x1000, 1, (RAM + 0x2000) | P);
	put(RAM + 0x2000, 511, 0x1234567000 | P);
	maps(0xC0012345, 0x40012345);
	maps(0xC03FF678, 0x1234567678);
	unmapped(0xC0200000);
	unmapped(0x1C0012345);
	unmapped(0);
}
END_TEST

START_TEST(two_levels)
{
	regs.efer = regs.cr4 = 0;
	put_32(RAM, 768, (RAM + 0x1000) | P);
	put_32(RAM + 0x1000, 1023, 0xABCDE000 | P);
	put_32(RAM, 1, 0x00C00000 | 0x2000 | PS | P);
	maps(0xC03FF123, 0xABCDE123);
	regs.cr4 = PSE;
	maps(0x00412345, 0x100C12345);
	unmapped(0xC0000000);
}
END_TEST

START_TEST(reading)
{
	uint8_t bytes[8];
	struct space space;

	regs.cr4 |= PAE;
	put(RAM, 0, (RAM + 0x1000) | P);
	put(RAM + 0x1000, 0, (RAM + 0x2000) | P);
	put(RAM + 0x2000, 0, (RAM + 0x3000) | P);
	put(RAM + 0x3000, 4, (RAM + 0x6000) | P); /* two pages that are not neighbours */
	put(RAM + 0x3000, 5, (RAM + 0x5000) | P);
	memcpy(ram + 0x6FFC, "abcd", 4);
	memcpy(ram + 0x5000, "efgh", 4);
	x86_space(&regs, &space);
	ck_assert(space_read(&gmem, &space, 0x4FFC, bytes, sizeof(bytes)));
	ck_assert_mem_eq(bytes, "abcdefgh", 8);
	ck_assert(!space_read(&gmem, &space, 0x5FFC, bytes, sizeof(bytes)));
}
END_TEST

struct seen {
	unsigned count;
	uint64_t va[8];
	gpa_t gpa[8];
	uint64_t size[8];
};

static bool see(void *ctx, uint64_t va, gpa_t gpa, uint64_t size)
{
	struct seen *s = ctx;

	s->va[s->count] = va;
	s->gpa[s->count] = gpa;
	s->size[s->count] = size;
	return ++s->count < ARRAY_SIZE(s->va);
}

START_TEST(walking)
{
	struct seen seen = {0};
	struct space space;

	map_kernel();
	put(RAM, 0, (RAM + 0x4000) | P);
	put(RAM + 0x4000, 0, 0xC0000000 | PS | P);
	x86_space(&regs, &space);
	space_walk(&gmem, &space, see, &seen);
	ck_assert_uint_eq(seen.count, 4);
	ck_assert_uint_eq(seen.va[0], 0xFFFFFFFF81000000);
	ck_assert_uint_eq(seen.gpa[0], 0x1600000);
	ck_assert_uint_eq(seen.size[0], 2 * MIB);
	ck_assert_uint_eq(seen.va[1], 0xFFFFFFFF81201000);
	ck_assert_uint_eq(seen.size[1], 4 * KIB);
	ck_assert_uint_eq(seen.va[2], 0xFFFFFFFFC0000000);
	ck_assert_uint_eq(seen.va[3], 0);
	ck_assert_uint_eq(seen.size[3], GIB);
}
END_TEST

static bool count(void *ctx, uint64_t va, gpa_t gpa, uint64_t size)
{
	(void)va;
	(void)gpa;
	(void)size;
	++*(uint64_t *)ctx;
	return true;
}

/* Each entry of a table is the table itself: 512^4 pages. */
START_TEST(hostile)
{
	uint64_t pages = 0;
	struct space space;

	for (unsigned i = 0; i < 512; i++)
		put(RAM, i, RAM | P);
	x86_space(&regs, &space);
	space_walk(&gmem, &space, count, &pages);
	ck_assert_uint_gt(pages, SPACE_ENTRIES_MAX / 2);
	ck_assert_uint_le(pages, SPACE_ENTRIES_MAX);
	put(RAM, 0, 0xFFFFFFFFF000 | P);
	unmapped(0x1000);
	regs.cr3 = UINT64_MAX;
	unmapped(0x1000);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/x86_paging");
	TCase *t = tcase_create("x86_paging");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, off);
	tcase_add_test(t, four_levels);
	tcase_add_test(t, five_levels);
	tcase_add_test(t, pae);
	tcase_add_test(t, two_levels);
	tcase_add_test(t, reading);
	tcase_add_test(t, walking);
	tcase_add_test(t, hostile);
	suite_add_tcase(s, t);
	return s;
}
