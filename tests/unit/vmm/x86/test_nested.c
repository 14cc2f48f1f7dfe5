/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUID with and without nested virtualization; and which of the two KVM offers. */
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "vmm/x86/x86.h"

#include <string.h>

#define VMX (1u << 5)
#define SVM (1u << 2)

/* What a KVM says that offers what LEAF1 and EXT1, in ECX of leaves 1 and 0x80000001, have. */
static struct kvm_cpuid2 *offer(uint32_t leaf1, uint32_t ext1)
{
	const struct kvm_cpuid_entry2 entries[] = {
		{.function = 0, .eax = 7},
		{.function = 1, .ecx = leaf1 | 1},
		{.function = 0x80000001, .ecx = ext1 | 1},
		{.function = 0x8000000A, .eax = 1, .ebx = 8, .edx = 9},
	};
	struct kvm_cpuid2 *c =
		calloc(1, sizeof(*c) + CPUID_ENTRIES_MAX * sizeof(struct kvm_cpuid_entry2));

	ck_assert_ptr_nonnull(c);
	c->nent = ARRAY_SIZE(entries);
	memcpy(c->entries, entries, sizeof(entries));
	return c;
}

static const struct kvm_cpuid_entry2 *leaf(const struct kvm_cpuid2 *c, uint32_t function)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		if (c->entries[i].function == function)
			return &c->entries[i];
	}
	ck_abort_msg("no leaf 0x%x", function);
}

START_TEST(what_kvm_offers)
{
	static const struct {
		uint32_t leaf1, ext1;
		enum nesting nesting;
	} cases[] = {{0, 0, NESTING_NONE}, {VMX, 0, NESTING_VMX}, {0, SVM, NESTING_SVM}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE struct kvm_cpuid2 *c = offer(cases[i].leaf1, cases[i].ext1);

		ck_assert_int_eq(nesting_of(c), cases[i].nesting);
	}
}
END_TEST

START_TEST(what_a_guest_sees)
{
	for (unsigned nested = 0; nested < 2; nested++) {
		struct machine m = {.arch = GUEST_X86_64, .vcpus = 1, .nested = nested};
		struct vm vm = {.machine = &m, .kvm_fd = -1};
		AUTO_FREE struct kvm_cpuid2 *c =
			cpuid_create(&vm, (struct arch_host *)offer(VMX, SVM));

		ck_assert_uint_eq(leaf(c, 1)->ecx & VMX, nested ? VMX : 0);
		ck_assert_uint_eq(leaf(c, 0x80000001)->ecx & SVM, nested ? SVM : 0);
		ck_assert_uint_eq(leaf(c, 1)->ecx & 1, 1);
		ck_assert_uint_eq(leaf(c, 0x8000000A)->eax, nested ? 1 : 0);
		ck_assert_uint_eq(leaf(c, 0x8000000A)->ebx, nested ? 8 : 0);
		ck_assert_uint_eq(leaf(c, 0x8000000A)->edx, nested ? 9 : 0);
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/x86/nested");
	TCase *t = tcase_create("nested");

	tcase_add_test(t, what_kvm_offers);
	tcase_add_test(t, what_a_guest_sees);
	suite_add_tcase(s, t);
	return s;
}
