/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/doctor.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

static char root[64];
static struct host_kvm_report kvm;
static struct features features;
static struct doctor_host host;

static void set_up(void)
{
	snprintf(root, sizeof(root), "/tmp/test_doctor.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	memset(&kvm, 0, sizeof(kvm));
	memset(&features, 0, sizeof(features));
	host = (struct doctor_host){.root = root, .kvm = &kvm, .user = "alice"};
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void tear_down(void)
{
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Makes the file PATH below the root, and the folders above it. */
static void put(const char *path, const char *text)
{
	char full[256];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	f = fopen(full, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static const struct feature *find(const char *name)
{
	for (unsigned i = 0; i < features.count; i++) {
		if (strcmp(features.items[i].name, name) == 0)
			return &features.items[i];
	}
	ck_abort_msg("no feature %s", name);
}

static void assert_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "\"%s\" lacks \"%s\"", text, part);
}

static void expect_device(const char *found, const char *fix)
{
	const struct feature *it;

	features.count = 0;
	doctor_check_kvm(&host, &features);
	it = find("/dev/kvm");
	ck_assert_int_eq(it->state, FEATURE_MISSING);
	assert_has(it->found, found);
	assert_has(it->fix, fix);
	ck_assert_uint_eq(features.count, 1);
}

START_TEST(no_device)
{
	kvm.access = HOST_KVM_NO_DEVICE;
	kvm.error = ENOENT;
	expect_device("started at EL2", "EL2");
	put("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme svme\n");
	expect_device("the processor shows no virtualization", "firmware setup");
	put("/proc/cpuinfo", "flags\t\t: fpu hypervisor\n");
	expect_device("itself a virtual machine", "nested virtualization");
	put("/proc/cpuinfo", "flags\t\t: fpu vmx sse\n");
	expect_device("kvm_intel is not loaded", "sudo modprobe kvm_intel");
	put("/proc/cpuinfo", "flags\t\t: fpu svm\n");
	put("/sys/module/kvm/refcnt", "0");
	expect_device("kvm is loaded, but kvm_amd is not", "switched off in the firmware setup");
	put("/sys/module/kvm_amd/refcnt", "0");
	expect_device("kvm_amd is loaded, but has found nothing", "dmesg");
	put("/proc/misc", "232 kvm\n 60 rfkill\n");
	expect_device("the file /dev/kvm is missing", "sudo mknod -m 660 /dev/kvm c 10 232");
}
END_TEST

START_TEST(no_device_in_container)
{
	static const char environ[] = "PATH=/bin|container=lxc|";
	FILE *f;
	char full[256];

	kvm.access = HOST_KVM_NO_DEVICE;
	put("/proc/misc", "183 hw_random\n232 kvm\n");
	put("/proc/1/environ", "");
	expect_device("the file /dev/kvm is missing", "mknod");
	snprintf(full, sizeof(full), "%s/proc/1/environ", root);
	f = fopen(full, "w");
	for (const char *c = environ; *c; c++)
		fputc(*c == '|' ? '\0' : *c, f);
	fclose(f);
	expect_device("container was started without /dev/kvm", "--device /dev/kvm");
	put("/proc/1/environ", "");
	put("/proc/1/cgroup", "0::/docker/0123\n");
	expect_device("container was started without /dev/kvm", "--device /dev/kvm");
	put("/proc/misc", "");
	put("/proc/cpuinfo", "flags\t\t: svm\n");
	expect_device("nor KVM in its host's kernel", "sudo modprobe kvm_amd");
}
END_TEST

START_TEST(denied)
{
	kvm.access = HOST_KVM_DENIED;
	kvm.error = EACCES;
	host.device_mode = S_IFCHR | 0660;
	host.device_group = 106;
	expect_device("user alice may not open /dev/kvm", "sudo setfacl -m u:alice:rw /dev/kvm");
	put("/etc/group", "root:x:0:\nkvm:x:106:bob,alicea\n");
	expect_device("user alice may not", "sudo usermod -aG kvm alice");
	put("/etc/group", "root:x:0:\nkvm:x:106:bob,alice\n");
	expect_device("alice is in the group kvm", "newgrp kvm");
	host.device_mode = S_IFCHR | 0600;
	expect_device("user alice may not", "sudo setfacl -m u:alice:rw /dev/kvm");
	kvm.error = EPERM;
	expect_device("device policy", "--device /dev/kvm");
}
END_TEST

START_TEST(busy_and_others)
{
	kvm.access = HOST_KVM_BUSY;
	kvm.error = EBUSY;
	expect_device("another hypervisor", "lsmod");
	put("/sys/module/vboxdrv/refcnt", "1");
	expect_device("VirtualBox (module vboxdrv)", "sudo modprobe -r vboxdrv");
	kvm.access = HOST_KVM_WRONG_API;
	kvm.api_version = 11;
	expect_device("API version is 11, not 12", "5.10");
	kvm.access = HOST_KVM_ERROR;
	kvm.error = ENOTTY;
	expect_device(strerror(ENOTTY), "dmesg");
}
END_TEST

static void add_guest(const char *name, bool tried, bool ok, const char *outcome)
{
	struct host_kvm_instruction *it = &kvm.instructions[kvm.instruction_count++];

	*it = (struct host_kvm_instruction){.name = name, .tried = tried, .ok = ok};
	it->emulation = strstr(outcome, "emulation") != NULL;
	snprintf(it->outcome, sizeof(it->outcome), "%s", outcome);
}

#define EMULATION "KVM_EXIT_INTERNAL_ERROR (emulation)"

START_TEST(verdict_of_software_kvm)
{
	char verdict[VERDICT_MAX];
	const struct feature *it;

	kvm.kind = HOST_KVM_SOFTWARE;
	kvm.api_version = 12;
	kvm.caps[kvm.cap_count++] = (struct host_kvm_cap){.name = "KVM_CAP_IRQFD", .why = "speed"};
	add_guest("real mode", true, true, "success");
	add_guest("int3", true, false, EMULATION);
	add_guest("movbe", true, false, "a triple fault");
	add_guest("crc32", true, false, EMULATION);
	add_guest("rdtscp", false, false, "no trial");
	doctor_check_kvm(&host, &features);
	doctor_verdict(&kvm, &features, verdict);
	ck_assert_str_eq(verdict,
		"Unmodified kernels cannot run here: int3, crc32 end in " EMULATION
		"; movbe ends in a triple fault; freestanding images can.");
	ck_assert_int_eq(find("/dev/kvm")->state, FEATURE_OK);
	ck_assert_int_eq(find("KVM_CAP_IRQFD")->state, FEATURE_WARNING);
	it = find("kernel instructions");
	ck_assert_str_eq(it->found, "int3, crc32: a tiny guest ends in " EMULATION);
	ck_assert_str_eq(it[1].found, "movbe: a tiny guest ends in a triple fault");
	assert_has(find("tiny guests")->found, "1 of 4 run");
}
END_TEST

START_TEST(verdict_of_full_and_unusable_kvm)
{
	char verdict[VERDICT_MAX];

	kvm.kind = HOST_KVM_FULL;
	add_guest("real mode", true, true, "success");
	doctor_check_kvm(&host, &features);
	doctor_verdict(&kvm, &features, verdict);
	ck_assert_str_eq(verdict, "Unmodified kernels can run here.");
	ck_assert_int_eq(find("tiny guests")->state, FEATURE_OK);

	kvm.kind = HOST_KVM_UNUSABLE;
	kvm.caps[kvm.cap_count++] = (struct host_kvm_cap){
		.name = "KVM_CAP_IRQCHIP", .why = "interrupts", .required = true};
	features.count = 0;
	doctor_check_kvm(&host, &features);
	doctor_verdict(&kvm, &features, verdict);
	ck_assert_str_eq(verdict, "Partitions cannot run here: KVM_CAP_IRQCHIP: not there.");
}
END_TEST

START_TEST(long_reports_fit)
{
	static char names[HOST_KVM_INSTRUCTIONS_MAX][40];
	char verdict[VERDICT_MAX];

	kvm.kind = HOST_KVM_SOFTWARE;
	for (unsigned i = 0; i < HOST_KVM_INSTRUCTIONS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "an-instruction-with-a-long-name-%u", i);
		add_guest(names[i], true, false, i % 2 ? names[i] : EMULATION);
	}
	doctor_check_kvm(&host, &features);
	doctor_verdict(&kvm, &features, verdict);
	ck_assert_uint_lt(strlen(verdict), VERDICT_MAX);
	ck_assert_uint_le(features.count, FEATURES_MAX);
}
END_TEST

START_TEST(resources_of_a_prepared_host)
{
	put("/sys/devices/system/cpu/online", "0-3,8\n");
	put("/sys/devices/system/cpu/isolated", "2-3\n");
	put("/sys/devices/system/cpu/nohz_full", "2-3\n");
	put("/sys/devices/system/cpu/smt/active", "0\n");
	put("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "512\n");
	put("/proc/meminfo", "MemTotal: 9\nMemAvailable:    2097152 kB\n");
	put("/proc/self/limits",
		"Max locked memory         unlimited            unlimited bytes\n");
	put("/proc/self/status", "CapEff:\t0000000000000000\nCpus_allowed_list:\t0-3,8\n");
	put("/dev/vhost-net", "");
	put("/dev/vhost-vsock", "");
	doctor_check_resources(&host, &features);
	ck_assert_str_eq(find("cores")->found, "5 online (0-3,8), 5 allowed for this process");
	ck_assert_str_eq(find("vhost-vsock")->found, "/dev/vhost-vsock can be opened");
	ck_assert_str_eq(find("isolated cores")->found, "2-3");
	ck_assert_str_eq(find("2 MiB hugepages")->found, "512 free");
	ck_assert_str_eq(find("memory")->found, "2048 MiB available");
	ck_assert_str_eq(find("locked memory")->found, "limit unlimited");
	for (unsigned i = 0; i < features.count; i++) {
		const struct feature *it = &features.items[i];

		if (strcmp(it->name, "1 GiB hugepages") != 0)
			ck_assert_msg(it->state == FEATURE_OK, "%s", it->name);
	}
}
END_TEST

START_TEST(resources_of_a_poor_host)
{
	put("/sys/devices/system/cpu/online", "0\n");
	put("/sys/devices/system/cpu/isolated", "\n");
	put("/sys/devices/system/cpu/nohz_full", "(null)\n");
	put("/sys/devices/system/cpu/smt/active", "1\n");
	put("/proc/meminfo", "MemAvailable:    65536 kB\n");
	put("/proc/self/limits", "Max locked memory         65536                65536    bytes\n");
	put("/proc/sys/kernel/io_uring_disabled", "2\n");
	host.io_uring_error = EPERM;
	doctor_check_resources(&host, &features);
	for (unsigned i = 0; i < features.count; i++)
		ck_assert_msg(
			features.items[i].state == FEATURE_WARNING, "%s", features.items[i].name);
	ck_assert_str_eq(find("tickless cores")->found, "none");
	ck_assert_str_eq(find("locked memory")->found, "limit 65536 bytes");
	assert_has(find("locked memory")->fix, "alice - memlock unlimited");
	assert_has(find("io_uring")->fix, "sysctl kernel.io_uring_disabled=0");
	assert_has(find("vhost-net")->fix, "modprobe vhost_net");
}
END_TEST

START_TEST(resources_of_an_empty_host)
{
	doctor_check_resources(&host, &features);
	assert_has(find("cores")->found, "0 online");
	ck_assert_int_eq(find("memory")->state, FEATURE_WARNING);
}
END_TEST

/* What the kernel of several versions says, and what is made of it. */
START_TEST(el2_modes)
{
	static const struct {
		const char *log, *found;
	} cases[] = {
		{NULL, "unknown"},
		{"", "unknown"},
		{"<6>[    0.1] CPU: All CPU(s) started at EL2\n", "unknown"},
		{"[ 0.38] kvm [1]: vgic interrupt IRQ9\n[ 0.39] kvm [1]: Hyp mode initialized "
		 "successfully\n",
			"nVHE"},
		{"[ 0.39] kvm [1]: VHE mode initialized successfully\n", "VHE"},
		{"[ 0.39] kvm [1]: Hyp nVHE mode initialized successfully\n", "nVHE"},
		{"[ 0.39] kvm [1]: Protected hVHE mode initialized successfully\n", "protected"},
		{"[ 0.39] kvm [1]: Protected nVHE mode initialized successfully\n", "protected"},
		{"[ 0.39] kvm [1]: HYP mode not available\n", "not there"},
		{"[ 0.39] kvm [1]: Hyp mode\n[ 1] x: VHE mode initialized successfully\n",
			"unknown"},
	};

	kvm.access = HOST_KVM_USABLE;
	host.arch = PLAN_ARCH_ARM64;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		host.kernel_log = cases[i].log;
		features.count = 0;
		doctor_check_kvm(&host, &features);
		ck_assert_int_eq(
			strncmp(find("EL2 mode")->found, cases[i].found, strlen(cases[i].found)),
			0);
	}
	host.kernel_log = NULL;
	put("/proc/cmdline", "console=ttyAMA0 kvm-arm.mode=protected\n");
	features.count = 0;
	doctor_check_kvm(&host, &features);
	assert_has(find("EL2 mode")->found, "protected");
	kvm.caps[kvm.cap_count++] = (struct host_kvm_cap){.name = "KVM_CAP_ARM_EL2", .value = 1};
	features.count = 0;
	doctor_check_kvm(&host, &features);
	assert_has(find("EL2 mode")->found, "VHE");
	host.arch = PLAN_ARCH_X86_64;
	features.count = 0;
	doctor_check_kvm(&host, &features);
	for (unsigned i = 0; i < features.count; i++)
		ck_assert_str_ne(features.items[i].name, "EL2 mode");
}
END_TEST

START_TEST(traits)
{
	kvm.access = HOST_KVM_USABLE;
	kvm.trait_count = 2;
	kvm.traits[0] = (struct host_kvm_trait){
		.name = "interrupt controller", .why = "w", .there = true, .found = "GICv3"};
	kvm.traits[1] = (struct host_kvm_trait){.name = "ITS", .why = "w", .found = "not there"};
	doctor_check_kvm(&host, &features);
	ck_assert_int_eq(find("interrupt controller")->state, FEATURE_OK);
	ck_assert_str_eq(find("interrupt controller")->found, "GICv3");
	ck_assert_int_eq(find("ITS")->state, FEATURE_WARNING);
}
END_TEST

START_TEST(words)
{
	ck_assert(has_word("fpu vmx", "vmx"));
	ck_assert(has_word("vmx", "vmx"));
	ck_assert(has_word("avmx vmxa vmx fpu", "vmx"));
	ck_assert(!has_word("avmx vmxa", "vmx"));
	ck_assert(!has_word("", "vmx"));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("cli/doctor");
	TCase *t = tcase_create("doctor");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, no_device);
	tcase_add_test(t, no_device_in_container);
	tcase_add_test(t, denied);
	tcase_add_test(t, busy_and_others);
	tcase_add_test(t, verdict_of_software_kvm);
	tcase_add_test(t, verdict_of_full_and_unusable_kvm);
	tcase_add_test(t, long_reports_fit);
	tcase_add_test(t, resources_of_a_prepared_host);
	tcase_add_test(t, resources_of_a_poor_host);
	tcase_add_test(t, resources_of_an_empty_host);
	tcase_add_test(t, el2_modes);
	tcase_add_test(t, traits);
	tcase_add_test(t, words);
	suite_add_tcase(s, t);
	return s;
}
