/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/util.h"
#include "partition/probe.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>

static struct host_kvm_report report;

START_TEST(no_device)
{
	ck_assert_int_eq(partition_probe("/nonexistent/kvm", &report), 0);
	ck_assert_int_eq(report.access, HOST_KVM_NO_DEVICE);
	ck_assert_int_eq(report.error, ENOENT);
	ck_assert_int_eq(report.kind, HOST_KVM_NONE);
	ck_assert_uint_eq(report.cap_count, 0);
	ck_assert(!host_kvm_runs_partitions(&report));
}
END_TEST

START_TEST(not_a_kvm)
{
	ck_assert_int_eq(partition_probe("/dev/null", &report), 0);
	ck_assert_int_eq(report.access, HOST_KVM_ERROR);
	ck_assert_int_eq(report.error, ENOTTY);
	ck_assert_int_eq(report.kind, HOST_KVM_NONE);
}
END_TEST

/* The kind must follow from what is reported, on any KVM. */
START_TEST(kind_follows_from_the_guests)
{
	bool failed = false, emulation = false;

	ck_assert_int_eq(partition_probe(HOST_KVM_DEVICE, &report), 0);
	if (report.access != HOST_KVM_USABLE) {
		ck_assert_int_eq(report.kind, HOST_KVM_NONE);
		return;
	}
	ck_assert_int_eq(report.api_version, (int)partition_kvm_api_version());
	ck_assert_uint_gt(report.instruction_count, 1);
	for (unsigned i = 0; i < report.instruction_count; i++) {
		failed |= host_kvm_failed(&report.instructions[i]);
		emulation |= report.instructions[i].emulation;
	}
	ck_assert_int_eq(report.kind == HOST_KVM_FULL, !failed);
	if (report.instructions[0].ok)
		ck_assert_int_eq(report.kind == HOST_KVM_SOFTWARE, emulation);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("partition/probe");
	TCase *t = tcase_create("probe");

	tcase_set_timeout(t, 40);
	tcase_add_test(t, no_device);
	tcase_add_test(t, not_a_kvm);
	tcase_add_test(t, kind_follows_from_the_guests);
	suite_add_tcase(s, t);
	return s;
}
