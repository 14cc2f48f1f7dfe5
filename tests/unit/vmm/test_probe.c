/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/util.h"
#include "tests/unit/unit.h"
#include "vmm/arch.h"
#include "vmm/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>

START_TEST(guests_are_well_formed)
{
	ck_assert_uint_gt(arch_probe_guest_count, 1);
	ck_assert_uint_le(arch_probe_guest_count, KVM_PROBE_CASES_MAX);
	for (unsigned i = 0; i < arch_probe_guest_count; i++) {
		const struct probe_guest *g = &arch_probe_guests[i];

		ck_assert_msg(g->code < g->code_end && g->code_end - g->code < 4096, "%s", g->name);
		ck_assert_msg(!g->handler || (g->handler > g->code && g->handler < g->code_end),
			"%s", g->name);
		ck_assert_msg(g->result != PROBE_ABSENT, "%s", g->name);
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(g->name, arch_probe_guests[j].name);
	}
}
END_TEST

START_TEST(descriptions)
{
	static const struct {
		struct kvm_probe_case c;
		const char *text;
	} cases[] = {
		{{.outcome = KVM_PROBE_EXIT,
			 .exit_reason = KVM_EXIT_INTERNAL_ERROR,
			 .suberror = KVM_INTERNAL_ERROR_EMULATION},
			"KVM_EXIT_INTERNAL_ERROR (emulation)"},
		{{.outcome = KVM_PROBE_EXIT, .exit_reason = KVM_EXIT_SHUTDOWN},
			"a triple fault (KVM_EXIT_SHUTDOWN)"},
		{{.outcome = KVM_PROBE_EXIT,
			 .exit_reason = KVM_EXIT_FAIL_ENTRY,
			 .suberror = 0x80000021},
			"KVM_EXIT_FAIL_ENTRY (reason 0x80000021)"},
		{{.outcome = KVM_PROBE_EXIT, .exit_reason = 77}, "exit reason 77"},
		{{.outcome = KVM_PROBE_TIMEOUT}, "nothing within 500 ms"},
		{{.outcome = KVM_PROBE_WRONG, .suberror = 0xbad}, "a wrong result (0xbad)"},
		{{.outcome = KVM_PROBE_RUNNING}, "the death of the probing process"},
		{{.outcome = KVM_PROBE_ERROR, .error = EINVAL}, "an error: Invalid argument"},
	};
	char buf[96];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_str_eq(kvm_probe_describe(&cases[i].c, buf, sizeof(buf)), cases[i].text);
		ck_assert_int_eq(kvm_probe_is_emulation_failure(&cases[i].c), i == 0);
	}
}
END_TEST

START_TEST(not_a_kvm)
{
	AUTO_CLOSE int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct kvm_probe_report report;

	ck_assert_int_eq(kvm_probe(fd, &report), -ENOTTY);
	ck_assert_int_eq(report.api_version, 0);
	ck_assert_uint_eq(report.case_count, 0);
}
END_TEST

/* What must hold on any KVM; without one there is nothing to hold. */
START_TEST(this_kvm)
{
	AUTO_CLOSE int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct kvm_probe_report r;
	unsigned required = 0, wanted = 0;

	if (fd < 0 || kvm_probe(fd, &r))
		return;
	ck_assert_int_eq(r.api_version, KVM_API_VERSION);
	ck_assert_uint_eq(r.case_count, arch_probe_guest_count);
	for (unsigned i = 0; i < r.case_count; i++)
		ck_assert_msg(r.cases[i].outcome != KVM_PROBE_RUNNING, "%s", r.cases[i].name);
	for (unsigned i = 0; i < r.cap_count; i++)
		required += r.caps[i].required;
	while (arch_required_caps[wanted] >= 0)
		wanted++;
	ck_assert_uint_eq(required, wanted);
	if (r.cases[0].outcome == KVM_PROBE_OK)
		ck_assert_uint_gt(r.exit_ns, 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vmm/probe");
	TCase *t = tcase_create("probe");

	/* A guest that hangs costs KVM_PROBE_CASE_MS. */
	tcase_set_timeout(t, 40);
	tcase_add_test(t, guests_are_well_formed);
	tcase_add_test(t, descriptions);
	tcase_add_test(t, not_a_kvm);
	tcase_add_test(t, this_kvm);
	suite_add_tcase(s, t);
	return s;
}
