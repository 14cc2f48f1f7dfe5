/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"
#include "vmm/history.h"

#include <string.h>

static struct vcpu_history h;

static void setup(void)
{
	memset(&h, 0, sizeof(h));
}

static struct vm_access port(uint64_t address, bool write, uint64_t value)
{
	return (struct vm_access){.space = WINDOW_PORT,
		.address = address,
		.size = 1,
		.write = write,
		.value = value};
}

START_TEST(last_exits_are_kept)
{
	struct history_access exits[HISTORY_EXITS];
	struct vm_access a;

	ck_assert_uint_eq(history_exits(&h, exits), 0);
	for (unsigned i = 0; i < 3; i++) {
		a = port(0x3F8, true, 'a' + i);
		history_add(&h, &a, true);
	}
	ck_assert_uint_eq(history_exits(&h, exits), 3);
	ck_assert_uint_eq(exits[0].access.value, 'a');
	ck_assert_uint_eq(exits[2].access.value, 'c');
	ck_assert(exits[2].owned && exits[2].access.write);
	for (unsigned i = 0; i < 100; i++) {
		a = port(i, false, i);
		history_add(&h, &a, i % 2);
	}
	ck_assert_uint_eq(history_exits(&h, exits), HISTORY_EXITS);
	for (unsigned i = 0; i < HISTORY_EXITS; i++) {
		ck_assert_uint_eq(exits[i].access.address, 100 - HISTORY_EXITS + i);
		ck_assert_int_eq(exits[i].owned, i % 2);
		ck_assert(!exits[i].access.write);
	}
}
END_TEST

/* Whatever an access can be comes back as it was. */
START_TEST(an_access_is_packed_without_loss)
{
	static const struct vm_access accesses[] = {
		{WINDOW_PORT, 0xFFFF, 4, true, 0xFFFFFFFF},
		{WINDOW_MMIO, 0xFFFFFFFFFFFFF, 8, true, UINT64_MAX},
		{WINDOW_MMIO, 0, 1, false, 0},
		{WINDOW_CALL, 0xC3000000, 8, true, 0x123456789ABCDEF0},
	};
	struct history_access exits[HISTORY_EXITS];

	for (unsigned i = 0; i < 4; i++)
		history_add(&h, &accesses[i], false);
	ck_assert_uint_eq(history_exits(&h, exits), 4);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_int_eq(exits[i].access.space, accesses[i].space);
		ck_assert_uint_eq(exits[i].access.address, accesses[i].address);
		ck_assert_uint_eq(exits[i].access.size, accesses[i].size);
		ck_assert_int_eq(exits[i].access.write, accesses[i].write);
		ck_assert_uint_eq(exits[i].access.value, accesses[i].value);
	}
}
END_TEST

/* A guest that looks at all ports does not hide the one that it writes to again and again. */
START_TEST(a_full_table_keeps_what_is_used_most)
{
	struct history_count list[HISTORY_UNOWNED];
	struct vm_access a = port(0x2F8, true, 'x');
	unsigned count = 0;

	for (unsigned i = 0; i < 10; i++)
		history_add_unowned(&h, &a);
	for (unsigned i = 0; i < 1000; i++) {
		a = port(0x1000 + i, false, 0);
		history_add_unowned(&h, &a);
	}
	a = port(0x3E8, true, 'y');
	for (unsigned i = 0; i < 3; i++)
		history_add_unowned(&h, &a);
	history_merge_unowned(&h, list, &count);
	ck_assert_uint_eq(count, HISTORY_UNOWNED);
	ck_assert_uint_eq(list[0].access.address, 0x2F8);
	ck_assert_uint_eq(list[0].count, 10);
	ck_assert(list[0].access.write);
	ck_assert_uint_eq(list[1].access.address, 0x3E8);
	ck_assert_uint_eq(list[1].count, 3);
}
END_TEST

START_TEST(reads_and_writes_are_told_apart)
{
	struct history_count list[HISTORY_UNOWNED];
	struct vm_access in = port(0x60, false, 0xFF), out = port(0x60, true, 1);
	unsigned count = 0;

	history_add_unowned(&h, &in);
	history_add_unowned(&h, &in);
	history_add_unowned(&h, &out);
	history_merge_unowned(&h, list, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert(!list[0].access.write);
	ck_assert_uint_eq(list[0].count, 2);
	ck_assert_uint_eq(list[1].count, 1);
}
END_TEST

START_TEST(several_vcpus_are_added_up)
{
	struct history_count list[HISTORY_UNOWNED];
	struct vcpu_history other;
	struct vm_access a;
	unsigned count = 0;

	memset(&other, 0, sizeof(other));
	for (unsigned i = 0; i < HISTORY_UNOWNED; i++) {
		a = port(i, true, 0);
		history_add_unowned(&h, &a);
		a = port(i + 4, true, 0);
		history_add_unowned(&other, &a);
	}
	history_merge_unowned(&h, list, &count);
	history_merge_unowned(&other, list, &count);
	ck_assert_uint_eq(count, HISTORY_UNOWNED);
	for (unsigned i = 0; i < HISTORY_UNOWNED; i++)
		ck_assert_uint_eq(list[i].count, i < HISTORY_UNOWNED - 4 ? 2 : 1);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/history");
	TCase *tc = tcase_create("history");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, last_exits_are_kept);
	tcase_add_test(tc, an_access_is_packed_without_loss);
	tcase_add_test(tc, a_full_table_keeps_what_is_used_most);
	tcase_add_test(tc, reads_and_writes_are_told_apart);
	tcase_add_test(tc, several_vcpus_are_added_up);
	suite_add_tcase(s, tc);
	return s;
}
