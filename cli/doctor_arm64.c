/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bulkhead doctor: how KVM on arm64 shares the processor with the host's kernel. KVM itself does
 * not say; the kernel did, when it started.
 */
#include "cli/doctor.h"

#include <string.h>

#define SUCCESS " mode initialized successfully"

enum el2_mode { EL2_UNKNOWN, EL2_NONE, EL2_VHE, EL2_NVHE, EL2_PROTECTED };

/*
 * From the kernel's messages [Linux arch/arm64/kvm/arm.c]: "VHE mode", "Hyp mode", "Hyp nVHE mode",
 * "Protected hVHE mode" and so on, initialized successfully. TEXT may have lost its beginning.
 */
static enum el2_mode mode_of_log(const char *text)
{
	enum el2_mode mode = EL2_UNKNOWN;

	for (const char *at = text; (at = strstr(at, "kvm [")); at++) {
		size_t size = strcspn(at, "\n");
		const char *end = memmem(at, size, SUCCESS, strlen(SUCCESS));

		if (memmem(at, size, "HYP mode not available", strlen("HYP mode not available")))
			mode = EL2_NONE;
		if (!end)
			continue;
		size = (size_t)(end - at);
		if (memmem(at, size, "Protected", strlen("Protected")))
			mode = EL2_PROTECTED;
		else
			mode = memmem(at, size, "Hyp", 3) ? EL2_NVHE : EL2_VHE;
	}
	return mode;
}

/* What a user has asked for, which is what there is if the kernel and the processor can. */
static enum el2_mode mode_of_command_line(const struct doctor_host *host)
{
	char line[4096];

	host_read(host, "/proc/cmdline", line, sizeof(line));
	if (has_word(line, "kvm-arm.mode=protected"))
		return EL2_PROTECTED;
	return has_word(line, "kvm-arm.mode=nvhe") ? EL2_NVHE : EL2_UNKNOWN;
}

/* EL2 for guests takes a host that is at EL2 itself. */
static bool has_nested(const struct host_kvm_report *kvm)
{
	for (unsigned i = 0; i < kvm->cap_count; i++) {
		if (strcmp(kvm->caps[i].name, "KVM_CAP_ARM_EL2") == 0)
			return kvm->caps[i].value != 0;
	}
	return false;
}

void doctor_check_el2(const struct doctor_host *host, struct features *f)
{
	static const char *const texts[] = {
		[EL2_UNKNOWN] = "unknown: the kernel's messages cannot be read, or have been "
				"overwritten; `sudo dmesg | grep -i kvm` after a start says",
		[EL2_NONE] = "not there: the kernel was not started at EL2",
		[EL2_VHE] = "VHE: the host's kernel runs at EL2",
		[EL2_NVHE] = "nVHE: the host's kernel runs at EL1, and each exit changes between "
			     "the two",
		[EL2_PROTECTED] = "protected: the host's kernel runs at EL1, kept from KVM's own "
				  "memory",
	};
	enum el2_mode mode = host->kernel_log ? mode_of_log(host->kernel_log) : EL2_UNKNOWN;

	if (mode == EL2_UNKNOWN && has_nested(host->kvm))
		mode = EL2_VHE;
	if (mode == EL2_UNKNOWN)
		mode = mode_of_command_line(host);
	feature_found(feature_add(f, FEATURE_OK, "EL2 mode",
			      "what an exit costs, and who is kept from whom"),
		"%s", texts[mode]);
}
