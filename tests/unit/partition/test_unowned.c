/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/unowned.h"
#include "tests/unit/unit.h"
#include "vmm/vcpu.h"

#include <stdlib.h>
#include <string.h>

static const char *name(enum guest_arch arch, enum window_space space, uint64_t at, bool *console)
{
	return unowned_name(arch, space, at, console);
}

START_TEST(names)
{
	bool console;

	ck_assert_str_eq(name(GUEST_X86_64, WINDOW_PORT, 0x2F8, &console), "COM2");
	ck_assert(console);
	ck_assert_str_eq(name(GUEST_X86_64, WINDOW_PORT, 0x2FD, &console), "COM2");
	ck_assert(!console); /* its status: a driver that looks whether it is there */
	ck_assert_str_eq(name(GUEST_X86_64, WINDOW_PORT, 0x3E8, &console), "COM3");
	ck_assert_str_eq(name(GUEST_X86_64, WINDOW_PORT, 0x2EF, &console), "COM4");
	ck_assert_str_eq(name(GUEST_X86_64, WINDOW_MMIO, 0xB8F00, &console), "VGA memory");
	ck_assert(console);
	ck_assert_str_eq(name(GUEST_X86_64, WINDOW_PORT, 0x64, &console), "keyboard controller");
	ck_assert(!console);
	ck_assert_ptr_null(name(GUEST_X86_64, WINDOW_PORT, 0x300, &console));
	ck_assert(!console);
	ck_assert_ptr_null(name(GUEST_ARM64, WINDOW_PORT, 0x3F8, &console));
	ck_assert_str_eq(name(GUEST_ARM64, WINDOW_MMIO, 0x09040000, &console), "UART1");
	ck_assert(console);
	ck_assert_str_eq(name(GUEST_ARM64, WINDOW_MMIO, 0x09040018, &console), "UART1");
	ck_assert(!console);
}
END_TEST

START_TEST(lists)
{
	struct machine m = {.arch = GUEST_X86_64};
	struct vcpu *vcpus = calloc(2, sizeof(*vcpus));
	struct vm vm = {.machine = &m, .vcpu_count = 2, .vcpus = vcpus};
	const struct vm_access out = {WINDOW_PORT, 0x2F8, 1, true, 'x'};
	const struct vm_access in = {WINDOW_PORT, 0x2F8, 1, false, 0xFF};
	struct message_unowned list[UNOWNED_MAX];

	memset(list, 0xFF, sizeof(list));
	unowned_list(&vm, list);
	ck_assert_uint_eq(list[0].count, 0);
	ck_assert_uint_eq(list[UNOWNED_MAX - 1].count, 0);
	history_add_unowned(&vcpus[0].history, &out);
	history_add_unowned(&vcpus[1].history, &out);
	history_add_unowned(&vcpus[1].history, &in);
	unowned_list(&vm, list);
	ck_assert_uint_eq(list[0].count, 2);
	ck_assert_str_eq(list[0].name, "COM2");
	ck_assert(list[0].console && list[0].write);
	ck_assert_uint_eq(list[0].space, SPACE_PORT);
	ck_assert_uint_eq(list[1].count, 1);
	ck_assert(!list[1].console);
	ck_assert_uint_eq(list[2].count, 0);
	free(vcpus);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("partition/unowned");
	TCase *tc = tcase_create("unowned");

	tcase_add_test(tc, names);
	tcase_add_test(tc, lists);
	suite_add_tcase(s, tc);
	return s;
}
