/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUID: what is hidden of what KVM offers, most of it under the fusa contract. */
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "vmm/x86/x86.h"

static struct kvm_cpuid2 *cpuid;

static void setup(void)
{
	static const struct {
		uint32_t function, index;
	} leaves[] = {{0, 0}, {1, 0}, {5, 0}, {6, 0}, {7, 0}, {7, 1}, {0xA, 0}, {0xB, 0}, {0xB, 1},
		{0xD, 0}, {0xD, 1}, {0x14, 0}, {0x17, 0}, {0x1F, 0}, {0x40000000, 0},
		{0x40000001, 0}, {0x40000010, 0}, {0x80000000, 0}, {0x80000001, 0}, {0x80000008, 0},
		{0x8000001F, 0}, {0x80000022, 0}};

	cpuid = calloc(1, sizeof(*cpuid) + CPUID_ENTRIES_MAX * sizeof(cpuid->entries[0]));
	ck_assert_ptr_nonnull(cpuid);
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
		cpuid->entries[cpuid->nent++] =
			(struct kvm_cpuid_entry2){.function = leaves[i].function,
				.index = leaves[i].index,
				.eax = UINT32_MAX,
				.ebx = UINT32_MAX,
				.ecx = UINT32_MAX,
				.edx = UINT32_MAX};
}

static void teardown(void)
{
	free(cpuid);
}

static const struct kvm_cpuid_entry2 *leaf(uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == function && cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	}
	return NULL;
}

static void apply(enum machine_contract contract)
{
	const struct machine m = {.contract = contract};

	fusa_cpuid_apply(cpuid, &m);
}

START_TEST(leaves)
{
	apply(MACHINE_FUSA_SAFETY);
	ck_assert_uint_eq(leaf(0, 0)->eax, 0x16);
	for (uint32_t i = 0; i < cpuid->nent; i++)
		ck_assert(cpuid->entries[i].function <= 0x16 ||
			  cpuid->entries[i].function >= 0x80000000);
	ck_assert_ptr_null(leaf(7, 1));
	ck_assert_ptr_nonnull(leaf(0xB, 1));
	ck_assert_ptr_nonnull(leaf(0x15, 0));
	ck_assert_ptr_nonnull(leaf(0x16, 0));
	ck_assert_ptr_nonnull(leaf(0x80000001, 0));
}
END_TEST

START_TEST(hidden_features)
{
	const struct kvm_cpuid_entry2 *e;

	apply(MACHINE_FUSA_SAFETY);
	e = leaf(1, 0);
	ck_assert_uint_eq(e->ecx >> 31, 0);    /* hypervisor */
	ck_assert_uint_eq(e->ecx >> 3 & 1, 0); /* MONITOR */
	ck_assert_uint_eq(e->ecx >> 21 & 1, 1);
	ck_assert_uint_eq(e->edx >> 12 & 1, 0); /* MTRR */
	ck_assert_uint_eq(e->edx >> 9 & 1, 1);
	ck_assert_uint_eq(e->edx >> 7 & e->edx >> 14 & 1, 1); /* MCE and MCA: the safety VM's */
	ck_assert_uint_eq(leaf(0xA, 0)->eax, 0);
	ck_assert_uint_eq(leaf(7, 0)->eax, 0);
	ck_assert_uint_eq(leaf(0xD, 1)->eax >> 3 & 1, 0); /* XSAVES */
	e = leaf(0x80000008, 0);
	ck_assert_uint_eq(e->ebx >> 25 & 1, 0); /* VIRT_SSBD */
	ck_assert_uint_eq(e->ebx >> 24 & 1, 1); /* SSBD, by SPEC_CTRL */
	ck_assert_uint_eq(e->eax, UINT32_MAX);
	ck_assert_uint_eq(leaf(0x80000022, 0)->eax, 0); /* performance counters */
}
END_TEST

START_TEST(no_machine_checks)
{
	apply(MACHINE_FUSA_NON_SAFETY);
	ck_assert_uint_eq(leaf(1, 0)->edx & (1u << 7 | 1u << 14), 0);
}
END_TEST

/* Guests that see SME read an MSR very early, without a handler for its #GP. */
START_TEST(no_partition_encrypts_memory)
{
	struct machine m = {.contract = (enum machine_contract)_i};
	struct vm vm = {.kvm_fd = -1, .machine = &m};

	cpuid = cpuid_create(&vm, (struct arch_host *)cpuid);
	ck_assert_ptr_nonnull(leaf(0x8000001F, 0));
	ck_assert_uint_eq(leaf(0x8000001F, 0)->eax, 0);
	ck_assert_uint_eq(leaf(1, 0)->ecx >> 5 & 1, 0);          /* VMX */
	ck_assert_uint_eq(leaf(0x80000001, 0)->ecx >> 2 & 1, 0); /* SVM */
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/x86_fusa");
	TCase *t = tcase_create("cpuid");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, leaves);
	tcase_add_test(t, hidden_features);
	tcase_add_test(t, no_machine_checks);
	tcase_add_loop_test(
		t, no_partition_encrypts_memory, MACHINE_STANDARD, MACHINE_FUSA_NON_SAFETY + 1);
	suite_add_tcase(s, t);
	return s;
}
