/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUID's hypervisor leaves: what guests are told of KVM, and of their clocks. */
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "vmm/x86/x86.h"

#include <linux/kvm_para.h>
#include <string.h>

/* The leaves of a guest whose KVM supports all that a leaf has bits for. */
static struct kvm_cpuid2 *guest_leaves(struct machine *m)
{
	static const struct kvm_cpuid_entry2 entries[] = {
		{.function = 0, .eax = 7},
		{.function = 1},
		{.function = KVM_CPUID_SIGNATURE,
			.eax = KVM_CPUID_FEATURES,
			.ebx = 0x4B4D564B, /* "KVMKVMKVM" */
			.ecx = 0x564B4D56,
			.edx = 0x4D},
		{.function = KVM_CPUID_FEATURES, .eax = ~0u, .ebx = ~0u, .ecx = ~0u, .edx = ~0u},
	};
	struct kvm_cpuid2 *c =
		calloc(1, sizeof(*c) + CPUID_ENTRIES_MAX * sizeof(struct kvm_cpuid_entry2));
	struct vm vm = {.machine = m, .kvm_fd = -1};

	ck_assert_ptr_nonnull(c);
	c->nent = ARRAY_SIZE(entries);
	memcpy(c->entries, entries, sizeof(entries));
	return cpuid_create(&vm, (struct arch_host *)c);
}

static const struct kvm_cpuid_entry2 *leaf(const struct kvm_cpuid2 *c, uint32_t function)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		if (c->entries[i].function == function)
			return &c->entries[i];
	}
	ck_abort_msg("no leaf 0x%x", function);
}

START_TEST(what_kvm_is_said_to_have)
{
	struct machine m = {.arch = GUEST_X86_64, .vcpus = 2, .dedicated = _i};
	AUTO_FREE struct kvm_cpuid2 *c = guest_leaves(&m);
	const struct kvm_cpuid_entry2 *e = leaf(c, KVM_CPUID_FEATURES);

	/* Spinlocks of vCPUs that may not be running, flushes and yields to such: 7, 9, 13. */
	ck_assert_uint_eq(e->eax, m.dedicated ? 0x01005C7B : 0x01007EFB);
	ck_assert_uint_eq(e->ebx, 0);
	ck_assert_uint_eq(e->ecx, 0);
	ck_assert_uint_eq(e->edx, 0); /* no hint: guests go on without polling of their own */
}
END_TEST

START_TEST(leaves_up_to_the_clocks)
{
	struct machine m = {.arch = GUEST_X86_64, .vcpus = 1};
	AUTO_FREE struct kvm_cpuid2 *c = guest_leaves(&m);
	const struct kvm_cpuid_entry2 *e = leaf(c, KVM_CPUID_SIGNATURE);

	ck_assert_uint_eq(e->eax, 0x40000010);
	ck_assert_uint_eq(e->ebx, 0x4B4D564B);
	ck_assert_uint_eq(leaf(c, 0x40000010)->function, 0x40000010);
	ck_assert_uint_eq(leaf(c, 1)->ecx >> 31, 1);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/x86/cpuid");
	TCase *t = tcase_create("hypervisor leaves");

	tcase_add_loop_test(t, what_kvm_is_said_to_have, false, true + 1);
	tcase_add_test(t, leaves_up_to_the_clocks);
	suite_add_tcase(s, t);
	return s;
}
