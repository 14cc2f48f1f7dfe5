/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/test_host.h"

#include "lib/util.h"
#include "partition/partition.h"
#include "partition/probe.h"

#include <errno.h>
#include <string.h>

static bool has_device(const char *path)
{
	return access(path, R_OK | W_OK) == 0;
}

/* A feature or an image may ask what only a probe can tell. */
static bool wants_probe(const struct suite_entry *entries, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct suite_case *c = entries[i].test;

		for (unsigned f = 0; f < c->needs.feature_count; f++) {
			if (c->needs.features[f].feature == SUITE_FULL_KVM)
				return true;
		}
		for (unsigned p = 0; p < c->plan->partition_count; p++) {
			if (partition_image_is_linux(c->plan->partitions[p].image))
				return true;
		}
	}
	return false;
}

static bool nested_kvm(void)
{
	static const char *const files[] = {
		"/sys/module/kvm_intel/parameters/nested", "/sys/module/kvm_amd/parameters/nested"};
	bool nested = false;

	for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
		FILE *f = fopen(files[i], "re");
		int c = f ? fgetc(f) : EOF;

		nested = nested || c == 'Y' || c == '1';
		if (f)
			fclose(f);
	}
	return nested;
}

void test_host_find(const struct suite_entry *entries, unsigned count, struct suite_host *ret)
{
	static char no_kvm[128];
	AUTO_FREE struct host_kvm_report *kvm = calloc(1, sizeof(*kvm));

	ret->arch = partition_host_arch();
	ret->is_linux = partition_image_is_linux;
	ret->features[SUITE_NESTED] = nested_kvm();
	ret->features[SUITE_ROOT] = geteuid() == 0;
	ret->features[SUITE_TUN] = has_device("/dev/net/tun");
	ret->features[SUITE_VHOST_NET] = has_device("/dev/vhost-net");
	ret->features[SUITE_VHOST_VSOCK] = has_device("/dev/vhost-vsock");
	if (!has_device(HOST_KVM_DEVICE)) {
		snprintf(no_kvm, sizeof(no_kvm), "%s: %s; `bulkhead doctor` says what to do",
			HOST_KVM_DEVICE, strerror(errno));
		ret->no_kvm = no_kvm;
		return;
	}
	if (!wants_probe(entries, count))
		return;
	if (!kvm || partition_probe(HOST_KVM_DEVICE, kvm) || !host_kvm_runs_partitions(kvm))
		ret->no_kvm =
			"partitions cannot run on this host's KVM; `bulkhead doctor` says why";
	else if (kvm->kind != HOST_KVM_FULL)
		ret->no_full_kvm = "this host's KVM does not run unmodified kernels; `bulkhead "
				   "doctor` names the instructions that it fails on";
	else
		ret->features[SUITE_FULL_KVM] = true;
}
