/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"
#include "vmm/gmem.h"

#include <errno.h>
#include <string.h>

static uint8_t low[8192], high[4096];
static struct gmem g;

static void setup(void)
{
	memset(&g, 0, sizeof(g));
	memset(low, 0, sizeof(low));
	memset(high, 0, sizeof(high));
	ck_assert_int_eq(gmem_add(&g, 0, sizeof(low), low), 0);
	ck_assert_int_eq(gmem_add(&g, 0x100000000, sizeof(high), high), 0);
}

START_TEST(slices_lie_in_one_slot)
{
	ck_assert_ptr_eq(gmem_slice(&g, 0, 8192), low);
	ck_assert_ptr_eq(gmem_slice(&g, 8191, 1), low + 8191);
	ck_assert_ptr_eq(gmem_slice(&g, 0x100000000, 4096), high);
	ck_assert_ptr_null(gmem_slice(&g, 0, 8193));
	ck_assert_ptr_null(gmem_slice(&g, 8192, 1));
	ck_assert_ptr_null(gmem_slice(&g, 0xFFFFFFFF, 2));
	ck_assert_ptr_null(gmem_slice(&g, 0x100001000, 1));
}
END_TEST

START_TEST(nothing_wraps)
{
	uint8_t buf[16];

	ck_assert_ptr_null(gmem_slice(&g, UINT64_MAX, 1));
	ck_assert_ptr_null(gmem_slice(&g, 16, UINT64_MAX));
	ck_assert_ptr_null(gmem_slice(&g, 4096, UINT64_MAX - 4095));
	ck_assert_ptr_null(gmem_slice(&g, UINT64_MAX - 7, 16));
	ck_assert_int_eq(gmem_read(&g, UINT64_MAX - 7, buf, 16), -EFAULT);
	ck_assert_int_eq(gmem_zero(&g, 1, UINT64_MAX), -EFAULT);
}
END_TEST

START_TEST(copies)
{
	char buf[6] = "";

	ck_assert_int_eq(gmem_write(&g, 8187, "hello", 5), 0);
	ck_assert_int_eq(gmem_read(&g, 8187, buf, 5), 0);
	ck_assert_str_eq(buf, "hello");
	ck_assert_int_eq(gmem_write(&g, 8188, "hello", 5), -EFAULT);
	ck_assert_int_eq(gmem_read(&g, 8187, buf, 5), 0);
	ck_assert_str_eq(buf, "hello");
	ck_assert_int_eq(gmem_zero(&g, 8187, 5), 0);
	ck_assert_int_eq(low[8187], 0);
}
END_TEST

START_TEST(bad_slots)
{
	ck_assert_int_eq(gmem_add(&g, 0x10000, 0, low), -EINVAL);
	ck_assert_int_eq(gmem_add(&g, 0x10001, 4096, low), -EINVAL);
	ck_assert_int_eq(gmem_add(&g, 0x10000, 4095, low), -EINVAL);
	ck_assert_int_eq(gmem_add(&g, UINT64_MAX - 4095, 8192, low), -EINVAL);
	ck_assert_int_eq(gmem_add(&g, 4096, 4096, low), -EEXIST);
	for (unsigned i = g.count; i < GMEM_SLOTS_MAX; i++)
		ck_assert_int_eq(gmem_add(&g, 0x200000000 + i * 4096, 4096, low), 0);
	ck_assert_int_eq(gmem_add(&g, 0x300000000, 4096, low), -ENOSPC);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/gmem");
	TCase *t = tcase_create("gmem");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, slices_lie_in_one_slot);
	tcase_add_test(t, nothing_wraps);
	tcase_add_test(t, copies);
	tcase_add_test(t, bad_slots);
	suite_add_tcase(s, t);
	return s;
}
