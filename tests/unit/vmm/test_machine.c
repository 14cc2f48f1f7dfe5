/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "vmm/device.h"
#include "vmm/layout_x86.h"

#include <errno.h>
#include <string.h>

static struct machine m;

/* A device that remembers its last access. */
struct recorder {
	struct device dev;
	unsigned index, size;
	uint64_t offset, value;
	unsigned accesses;
};

static uint64_t recorder_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct recorder *r = container_of(dev, struct recorder, dev);

	r->accesses++;
	r->index = index;
	r->offset = offset;
	r->size = size;
	return 0x1122334455667788;
}

static void recorder_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	recorder_read(dev, index, offset, size);
	container_of(dev, struct recorder, dev)->value = value;
}

static void recorder_destroy(struct device *dev)
{
	free(container_of(dev, struct recorder, dev));
}

static const struct device_class recorder_class = {
	.name = "recorder",
	.read = recorder_read,
	.write = recorder_write,
	.destroy = recorder_destroy,
};

static struct recorder *add_recorder(void)
{
	struct recorder *r = calloc(1, sizeof(*r));

	ck_assert_ptr_nonnull(r);
	r->dev.cls = &recorder_class;
	ck_assert_int_eq(machine_add_device(&m, &r->dev), 0);
	return r;
}

static void setup(void)
{
	ck_assert_int_eq(machine_init(&m, GUEST_X86_64, 64 * MIB, 2), 0);
}

static void teardown(void)
{
	machine_fini(&m);
}

static void check_range(unsigned i, gpa_t base, uint64_t end, enum range_type type)
{
	ck_assert_uint_eq(m.ranges[i].base, base);
	ck_assert_uint_eq(m.ranges[i].base + m.ranges[i].size, end);
	ck_assert_int_eq((int)m.ranges[i].type, (int)type);
}

START_TEST(layout_of_small_and_large_machines)
{
	ck_assert_uint_eq(m.range_count, 3);
	check_range(0, 0, 0xA0000, RANGE_RAM);
	check_range(1, 0xC0000, 0x100000, RANGE_RESERVED);
	check_range(2, 0x100000, 64 * MIB, RANGE_RAM);
	machine_fini(&m);

	ck_assert_int_eq(machine_init(&m, GUEST_X86_64, 2 * GIB, 1), 0);
	ck_assert_uint_eq(m.range_count, 3);
	check_range(2, 0x100000, 2 * GIB, RANGE_RAM);
	machine_fini(&m);

	ck_assert_int_eq(machine_init(&m, GUEST_X86_64, 3 * GIB, 64), 0);
	ck_assert_uint_eq(m.range_count, 4);
	check_range(2, 0x100000, 2 * GIB, RANGE_RAM);
	check_range(3, 4 * GIB, 5 * GIB, RANGE_RAM);
	ck_assert_uint_eq(machine_ram_end_low(&m), 2 * GIB);
}
END_TEST

START_TEST(impossible_machines)
{
	struct machine bad;

	ck_assert_int_eq(machine_init(&bad, GUEST_X86_64, 64 * MIB, 0), -EINVAL);
	ck_assert_int_eq(machine_init(&bad, GUEST_X86_64, 64 * MIB, 65), -EINVAL);
	ck_assert_int_eq(machine_init(&bad, GUEST_X86_64, MIB, 1), -EINVAL);
	ck_assert_int_eq(machine_init(&bad, GUEST_X86_64, 64 * MIB + 1, 1), -EINVAL);
	ck_assert_int_eq(machine_init(&bad, GUEST_X86_64, 241 * GIB, 1), -ERANGE);
}
END_TEST

START_TEST(claims_exclude_each_other)
{
	const struct machine_claim *other = NULL;

	ck_assert_int_eq(machine_claim(&m, 0x200000, 0x1000, "first", NULL), 0);
	ck_assert_int_eq(machine_claim(&m, 0x201000, 0x1000, "next", NULL), 0);
	ck_assert_int_eq(machine_claim(&m, 0x1FF000, 0x1001, "third", &other), -EEXIST);
	ck_assert_str_eq(other->what, "first");
	ck_assert_int_eq(machine_claim(&m, 0xF2400, 36, "RSDP", NULL), 0);
	/* Holes, ends, and what would wrap. */
	ck_assert_int_eq(machine_claim(&m, 0xA0000, 1, "hole", NULL), -EFAULT);
	ck_assert_int_eq(machine_claim(&m, 0x9FFFF, 2, "hole", NULL), -EFAULT);
	ck_assert_int_eq(machine_claim(&m, 64 * MIB - 1, 2, "end", NULL), -EFAULT);
	ck_assert_int_eq(machine_claim(&m, UINT64_MAX, 2, "wrap", NULL), -EFAULT);
	ck_assert_int_eq(machine_claim(&m, 0x300000, UINT64_MAX, "wrap", NULL), -EFAULT);
}
END_TEST

static int place(uint64_t size, uint64_t align, gpa_t min, gpa_t max, bool highest, gpa_t *ret)
{
	const struct machine_search s = {
		.size = size, .align = align, .min = min, .max = max, .highest = highest};

	return machine_place(&m, &s, "placed", ret);
}

START_TEST(places_are_found_around_claims)
{
	gpa_t at = 0;

	ck_assert_int_eq(place(0x1000, 0x1000, 0x100000, UINT64_MAX, false, &at), 0);
	ck_assert_uint_eq(at, 0x100000);
	ck_assert_int_eq(machine_claim(&m, 0x101800, 0x1000, "odd", NULL), 0);
	ck_assert_int_eq(place(0x1000, 0x1000, 0x100000, UINT64_MAX, false, &at), 0);
	ck_assert_uint_eq(at, 0x103000);
	ck_assert_int_eq(place(0x1001, 0x1000, 0, 0x3FFFFFF, true, &at), 0);
	ck_assert_uint_eq(at, 0x3FFE000);
	ck_assert_int_eq(place(0x1000, 0x1000, 0, 0x3FFFFFF, true, &at), 0);
	ck_assert_uint_eq(at, 0x3FFD000);
	/* Never in reserved memory, never where it does not fit. */
	ck_assert_int_eq(place(0x1000, 0x1000, 0xC0000, 0xFFFFF, false, &at), -ENOMEM);
	ck_assert_int_eq(place(0x1000, 0x1000, 0x100000, 0x100FFE, false, &at), -ENOMEM);
	ck_assert_int_eq(place(64 * MIB, 0x1000, 0, UINT64_MAX, false, &at), -ENOMEM);
	ck_assert_int_eq(place(UINT64_MAX, 0x1000, 0, UINT64_MAX, true, &at), -ENOMEM);
	ck_assert_int_eq(place(0, 0x1000, 0, UINT64_MAX, true, &at), -EINVAL);
	ck_assert_uint_eq(at, 0x3FFD000);
}
END_TEST

START_TEST(accesses_reach_their_device)
{
	struct recorder *a = add_recorder(), *b = add_recorder();
	uint64_t value;

	ck_assert_int_eq(machine_add_window(&m, WINDOW_PORT, 0x3F8, 8, &a->dev, 0), 0);
	ck_assert_int_eq(machine_add_window(&m, WINDOW_PORT, 0x70, 2, &b->dev, 5), 0);
	ck_assert_int_eq(machine_add_window(&m, WINDOW_MMIO, 0xD0000000, 0x1000, &b->dev, 6), 0);
	ck_assert(machine_read(&m, WINDOW_PORT, 0x3FD, 1, &value));
	ck_assert_uint_eq(value, 0x88);
	ck_assert_uint_eq(a->offset, 5);
	ck_assert(machine_write(&m, WINDOW_MMIO, 0xD0000FFC, 4, 0xAABBCCDDEEFF0011));
	ck_assert_uint_eq(b->index, 6);
	ck_assert_uint_eq(b->offset, 0xFFC);
	ck_assert_uint_eq(b->value, 0xEEFF0011);
	/* Nobody's, or across a window's end: all-ones and dropped. */
	ck_assert(!machine_read(&m, WINDOW_PORT, 0x3FF, 2, &value));
	ck_assert_uint_eq(value, 0xFFFF);
	ck_assert(!machine_read(&m, WINDOW_MMIO, 0x3F8, 8, &value));
	ck_assert_uint_eq(value, UINT64_MAX);
	ck_assert(!machine_write(&m, WINDOW_MMIO, 0xD0000FFD, 4, 0));
	ck_assert(!machine_read(&m, WINDOW_MMIO, UINT64_MAX, 8, &value));
	ck_assert_uint_eq(a->accesses, 1);
	ck_assert_uint_eq(b->accesses, 1);
}
END_TEST

START_TEST(windows_and_lines_are_one_device_s)
{
	struct recorder *a = add_recorder();

	ck_assert_int_eq(machine_add_window(&m, WINDOW_PORT, 0x60, 1, &a->dev, 0), 0);
	ck_assert_int_eq(machine_add_window(&m, WINDOW_PORT, 0x5F, 2, &a->dev, 0), -EEXIST);
	ck_assert_int_eq(machine_add_window(&m, WINDOW_PORT, 0xFFFF, 2, &a->dev, 0), -EINVAL);
	ck_assert_int_eq(machine_add_window(&m, WINDOW_MMIO, 0x100000, 4096, &a->dev, 0), -EEXIST);
	ck_assert_int_eq(machine_add_window(&m, WINDOW_MMIO, UINT64_MAX, 2, &a->dev, 0), -EINVAL);
	ck_assert_int_eq(machine_add_irq(&m, &a->dev, 4, false), 0);
	ck_assert_int_eq(machine_add_irq(&m, &a->dev, 4, false), -EEXIST);
}
END_TEST

/* An access that crosses a page comes in two parts of any size. */
START_TEST(devices_see_whole_registers_only)
{
	struct recorder *r = add_recorder();
	uint64_t v;

	ck_assert_int_eq(machine_add_window(&m, WINDOW_MMIO, 0xF0000000, 4096, &r->dev, 0), 0);
	for (unsigned size = 1; size <= 8; size++) {
		bool whole = size == 1 || size == 2 || size == 4 || size == 8;
		uint64_t ones = UINT64_MAX >> (64 - 8 * size);
		uint64_t seen = whole ? 0x1122334455667788 : 0x8888888888888888;

		r->accesses = 0;
		ck_assert(machine_read(&m, WINDOW_MMIO, 0xF0000000, size, &v));
		ck_assert_uint_eq(v, seen & ones);
		ck_assert(machine_write(&m, WINDOW_MMIO, 0xF0000000, size, 0x0807060504030201));
		ck_assert_uint_eq(r->accesses, whole ? 2 : 2 * size);
		ck_assert_uint_eq(r->size, whole ? size : 1);
		ck_assert_uint_eq(r->offset, whole ? 0 : size - 1);
		ck_assert_uint_eq(r->value, whole ? 0x0807060504030201 & ones : size);
	}
}
END_TEST

/* Claims the even offsets of its window. */
static bool even_claims(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	(void)dev, (void)index, (void)size;
	return offset % 2 == 0;
}

static const struct device_class even_class = {.name = "even",
	.read = recorder_read,
	.write = recorder_write,
	.claims = even_claims,
	.destroy = recorder_destroy};

START_TEST(registers_that_are_not_there)
{
	struct recorder *r = add_recorder();
	uint64_t value;

	r->dev.cls = &even_class;
	ck_assert_int_eq(machine_add_window(&m, WINDOW_PORT, 0x100, 8, &r->dev, 0), 0);
	ck_assert(machine_read(&m, WINDOW_PORT, 0x102, 2, &value));
	ck_assert_uint_eq(value, 0x7788);
	ck_assert(machine_write(&m, WINDOW_PORT, 0x104, 1, 0));
	ck_assert_uint_eq(r->accesses, 2);
	ck_assert(!machine_read(&m, WINDOW_PORT, 0x103, 2, &value));
	ck_assert_uint_eq(value, 0xFFFF);
	ck_assert(!machine_write(&m, WINDOW_PORT, 0x105, 1, 0));
	ck_assert_uint_eq(r->accesses, 2);
}
END_TEST

START_TEST(mappings)
{
	static const gpa_t kvms[] = {X86_IOAPIC_BASE, X86_LAPIC_BASE, X86_KVM_IDENTITY_MAP,
		X86_KVM_TSS, X86_KVM_TSS + 0x2000};
	static _Alignas(4096) uint8_t page[2 * 4096];
	struct recorder *r;
	gpa_t base;

	ck_assert_int_eq(machine_init(&m, GUEST_X86_64, 64 * MIB, 1), 0);
	r = add_recorder();
	ck_assert_int_eq(machine_add_window(&m, WINDOW_MMIO, 0xF0010000, 0x1000, &r->dev, 0), 0);
	ck_assert_int_eq(machine_add_mapping(&m, 0xF0000000, 4096, page, true, "status page"), 0);
	check_range(3, 0xF0000000, 0xF0001000, RANGE_MAPPED);
	ck_assert_str_eq(machine_find_mapping(&m, 0xF0000FFF)->what, "status page");
	ck_assert_ptr_null(machine_find_mapping(&m, 0xF0001000));
	ck_assert_ptr_null(machine_find_mapping(&m, 0xEFFFFFFF));
	/* Nothing else may be there, nor where something is. */
	ck_assert_int_eq(
		machine_add_window(&m, WINDOW_MMIO, 0xF0000800, 0x1000, &r->dev, 1), -EEXIST);
	ck_assert_int_eq(machine_add_mapping(&m, 0xF0010000, 4096, page, true, "window"), -EEXIST);
	ck_assert_int_eq(machine_add_mapping(&m, 0x100000, 4096, page, true, "RAM"), -EEXIST);
	ck_assert_int_eq(machine_add_mapping(&m, 0xF0000000, 8192, page, true, "mapping"), -EEXIST);
	ck_assert_int_eq(machine_add_mapping(&m, 0xF1000800, 4096, page, true, "x"), -EINVAL);
	ck_assert_int_eq(machine_add_mapping(&m, 0xF1000000, 100, page, true, "x"), -EINVAL);
	ck_assert_int_eq(machine_add_mapping(&m, 0xF1000000, 4096, page + 1, true, "x"), -EINVAL);
	ck_assert_int_eq(machine_add_mapping(&m, 0xF1000000, 0, page, true, "x"), -EINVAL);
	/* What KVM answers itself, or keeps for itself, is no place for a page either. */
	for (size_t i = 0; i < ARRAY_SIZE(kvms); i++)
		ck_assert_int_eq(machine_add_mapping(&m, kvms[i], 4096, page, true, "x"), -EEXIST);
	ck_assert_uint_eq(m.mapping_count, 1);
	/* It is no place for images, and no RAM. */
	ck_assert_int_eq(machine_claim(&m, 0xF0000000, 4096, "image", NULL), -EFAULT);
	ck_assert_int_eq(
		machine_place(&m,
			&(struct machine_search){
				.size = 4096, .align = 4096, .min = 0xF0000000, .max = UINT32_MAX},
			"image", &base),
		-ENOMEM);
	ck_assert_uint_eq(machine_ram_end_low(&m), 64 * MIB);
	for (unsigned i = 1; i < MACHINE_MAPPINGS_MAX; i++)
		ck_assert_int_eq(
			machine_add_mapping(&m, 0xF2000000 + i * 4096, 4096, page, false, "more"),
			0);
	ck_assert_int_eq(machine_add_mapping(&m, 0xF3000000, 4096, page, false, "x"), -ENOSPC);
	machine_fini(&m);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/machine");
	TCase *t = tcase_create("machine");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, layout_of_small_and_large_machines);
	tcase_add_test(t, impossible_machines);
	tcase_add_test(t, claims_exclude_each_other);
	tcase_add_test(t, places_are_found_around_claims);
	tcase_add_test(t, accesses_reach_their_device);
	tcase_add_test(t, windows_and_lines_are_one_device_s);
	tcase_add_test(t, devices_see_whole_registers_only);
	tcase_add_test(t, registers_that_are_not_there);
	tcase_add_test(t, mappings);
	suite_add_tcase(s, t);
	return s;
}
