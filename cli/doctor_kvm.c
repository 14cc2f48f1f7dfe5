/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead doctor: /dev/kvm. Why it cannot be used, what it lacks, and what its guests can do. */
#include "cli/doctor.h"

#include <errno.h>
#include <grp.h>
#include <string.h>

#define KVM_WHY "partitions are virtual machines of Linux KVM"

/* ---- reading the host ---- */

static FILE *host_open(const struct doctor_host *host, const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", host->root, path);
	return fopen(full, "re");
}

bool host_read(const struct doctor_host *host, const char *path, char *buf, size_t size)
{
	return host_find_line(host, path, "", buf, size);
}

bool host_has(const struct doctor_host *host, const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", host->root, path);
	return access(full, F_OK) == 0;
}

bool host_find_line(
	const struct doctor_host *host, const char *path, const char *key, char *buf, size_t size)
{
	AUTO_FCLOSE FILE *f = host_open(host, path);
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	ssize_t n;

	buf[0] = '\0';
	while (f && (n = getline(&line, &room, f)) >= 0) {
		const char *rest = line + strlen(key);

		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		snprintf(buf, size, "%s", rest + strspn(rest, " \t"));
		return true;
	}
	return false;
}

bool has_word(const char *text, const char *word)
{
	static const char separators[] = " \t,:";
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += len) {
		bool starts = at == text || strchr(separators, at[-1]);

		if (starts && strchr(separators, at[len])) /* the final NUL is found as well */
			return true;
	}
	return false;
}

/* ---- no device ---- */

/* The environment of process 1: variables with NULs between them. */
static bool init_has_variable(const struct doctor_host *host, const char *prefix)
{
	AUTO_FCLOSE FILE *f = host_open(host, "/proc/1/environ");
	AUTO_FREE char *variable = NULL;
	size_t room = 0;

	while (f && getdelim(&variable, &room, '\0', f) >= 0) {
		if (strncmp(variable, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}

static bool in_container(const struct doctor_host *host)
{
	static const char *const groups[] = {"0::/docker", "0::/kubepods", "0::/lxc"};
	char rest[256];

	if (host_has(host, "/run/.containerenv") || host_has(host, "/.dockerenv") ||
		host_has(host, "/run/systemd/container") || init_has_variable(host, "container="))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (host_find_line(host, "/proc/1/cgroup", groups[i], rest, sizeof(rest)))
			return true;
	}
	return false;
}

/* The minor number under which the kernel has KVM, from /proc/misc ("232 kvm"); -1: it has none. */
static int kvm_minor(const struct doctor_host *host)
{
	AUTO_FCLOSE FILE *f = host_open(host, "/proc/misc");
	char name[64];
	int minor;

	while (f && fscanf(f, "%d %63s", &minor, name) == 2) {
		if (strcmp(name, "kvm") == 0)
			return minor;
	}
	return -1;
}

/* The module that drives this processor's virtualization; NULL when it shows none. */
static const char *processor_module(const char *flags)
{
	if (has_word(flags, "vmx"))
		return "kvm_intel";
	return has_word(flags, "svm") ? "kvm_amd" : NULL;
}

static void no_virtualization(const char *flags, struct feature *it)
{
	if (has_word(flags, "hypervisor")) {
		feature_found(it, "this machine is itself a virtual machine, and its hypervisor "
				  "passes no virtualization on (no vmx or svm in /proc/cpuinfo)");
		feature_fix(it, "enable nested virtualization for this machine where it is hosted, "
				"or run on another machine");
		return;
	}
	feature_found(it, "the processor shows no virtualization (no vmx or svm in /proc/cpuinfo)");
	feature_fix(it, "switch on Intel VT-x or AMD SVM in the firmware setup; where there is no "
			"such setting, the processor cannot");
}

static void module_absent(const struct doctor_host *host, const char *module, struct feature *it)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	if (host_has(host, path)) {
		feature_found(
			it, "the module %s is loaded, but has found nothing to drive", module);
		feature_fix(it, "`sudo dmesg | grep -i kvm` says why");
	} else if (host_has(host, "/sys/module/kvm")) {
		feature_found(it, "the module kvm is loaded, but %s is not", module);
		feature_fix(it,
			"sudo modprobe %s\nIf that is refused, virtualization is switched "
			"off in the firmware setup: `sudo dmesg | grep -i kvm` says so",
			module);
	} else {
		feature_found(it, "the module %s is not loaded", module);
		feature_fix(it,
			"sudo modprobe %s\nIf there is no such module, install the "
			"distribution's full kernel package (not a reduced one)",
			module);
	}
}

static void diagnose_no_device(const struct doctor_host *host, struct feature *it)
{
	bool container = in_container(host);
	int minor = kvm_minor(host);
	char flags[8192];

	if (container && minor >= 0) {
		feature_found(it, "this container was started without %s", HOST_KVM_DEVICE);
		feature_fix(it, "start the container with --device %s", HOST_KVM_DEVICE);
		return;
	}
	if (minor >= 0) {
		feature_found(
			it, "the kernel has KVM, but the file %s is missing", HOST_KVM_DEVICE);
		feature_fix(it, "sudo mknod -m 660 %s c 10 %d", HOST_KVM_DEVICE, minor);
		return;
	}
	if (!host_find_line(host, "/proc/cpuinfo", "flags", flags, sizeof(flags))) {
		/* Only x86 lists its features as "flags". */
		feature_found(it,
			"there is no %s: the kernel was built without KVM, or was not "
			"started at EL2",
			HOST_KVM_DEVICE);
		feature_fix(it, "`sudo dmesg | grep -i kvm` says which; start the kernel at EL2");
		return;
	}
	if (processor_module(flags))
		module_absent(host, processor_module(flags), it);
	else
		no_virtualization(flags, it);
	if (container)
		feature_found(it,
			"there is no %s in this container, nor KVM in its host's kernel; "
			"what the fix says is to be done on the host",
			HOST_KVM_DEVICE);
}

/* ---- no permission, busy, and the like ---- */

/* The name of the device's group, and whether the user is listed in it; false if it has no name. */
static bool find_group(const struct doctor_host *host, char *name, size_t size, bool *ret_member)
{
	AUTO_FCLOSE FILE *f = host_open(host, "/etc/group");
	const struct group *group;

	while (f && (group = fgetgrent(f))) {
		if (group->gr_gid != host->device_group)
			continue;
		snprintf(name, size, "%s", group->gr_name);
		*ret_member = false;
		for (char *const *member = group->gr_mem; *member; member++)
			*ret_member |= strcmp(*member, host->user) == 0;
		return true;
	}
	return false;
}

static void diagnose_denied(const struct doctor_host *host, struct feature *it)
{
	bool group_may = (host->device_mode & 0060) == 0060 && host->device_group != 0;
	bool member = false;
	char group[64];

	if (host->kvm->error == EPERM) {
		feature_found(it,
			"the system forbids %s to this process, whatever the file's "
			"permissions are: a container's device policy or a sandbox",
			HOST_KVM_DEVICE);
		feature_fix(it, "start the container with --device %s, or leave the sandbox",
			HOST_KVM_DEVICE);
		return;
	}
	feature_found(it, "user %s may not open %s", host->user, HOST_KVM_DEVICE);
	if (!group_may || !find_group(host, group, sizeof(group), &member)) {
		feature_fix(it, "sudo setfacl -m u:%s:rw %s", host->user, HOST_KVM_DEVICE);
	} else if (member) {
		feature_found(it, "user %s is in the group %s, but this session is older than that",
			host->user, group);
		feature_fix(it, "log out and in again, or at once: newgrp %s", group);
	} else {
		feature_fix(it,
			"sudo usermod -aG %s %s\nand log in again; or at once, until the next "
			"start: sudo setfacl -m u:%s:rw %s",
			group, host->user, host->user, HOST_KVM_DEVICE);
	}
}

static void diagnose_busy(const struct doctor_host *host, struct feature *it)
{
	static const struct {
		const char *path, *module, *product;
	} others[] = {
		{"/sys/module/vboxdrv", "vboxdrv", "VirtualBox"},
		{"/sys/module/vmmon", "vmmon", "VMware"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (!host_has(host, others[i].path))
			continue;
		feature_found(it, "%s (module %s) holds the processor's virtualization",
			others[i].product, others[i].module);
		feature_fix(it,
			"shut its machines down; if that is not enough: sudo modprobe -r %s",
			others[i].module);
		return;
	}
	feature_found(it, "another hypervisor holds the processor's virtualization");
	feature_fix(it, "find it with lsmod, and shut its machines down");
}

static void check_device(const struct doctor_host *host, struct features *f)
{
	const struct host_kvm_report *kvm = host->kvm;
	enum feature_state state = kvm->access == HOST_KVM_USABLE ? FEATURE_OK : FEATURE_MISSING;
	struct feature *it = feature_add(f, state, HOST_KVM_DEVICE, KVM_WHY);

	switch (kvm->access) {
	case HOST_KVM_USABLE:
		feature_found(it, "can be opened, API version %d", kvm->api_version);
		break;
	case HOST_KVM_NO_DEVICE:
		diagnose_no_device(host, it);
		break;
	case HOST_KVM_DENIED:
		diagnose_denied(host, it);
		break;
	case HOST_KVM_BUSY:
		diagnose_busy(host, it);
		break;
	case HOST_KVM_WRONG_API:
		feature_found(it, "its API version is %d, not %u", kvm->api_version,
			partition_kvm_api_version());
		feature_fix(it, "use Linux's own KVM, 5.10 or newer");
		break;
	case HOST_KVM_ERROR:
		if (kvm->error == ECHILD)
			feature_found(it, "the process that tried it died or hung");
		else
			feature_found(it, "cannot be used: %s", strerror(kvm->error));
		feature_fix(it, "`sudo dmesg | tail` may say more");
		break;
	}
}

/* ---- capabilities and guests ---- */

static void check_caps(const struct host_kvm_report *kvm, struct features *f)
{
	for (unsigned i = 0; i < kvm->cap_count; i++) {
		const struct host_kvm_cap *cap = &kvm->caps[i];
		enum feature_state state = cap->value      ? FEATURE_OK
					   : cap->required ? FEATURE_MISSING
							   : FEATURE_WARNING;
		struct feature *it = feature_add(f, state, cap->name, cap->why);

		if (cap->value > 1)
			feature_found(it, "%d", cap->value);
		else if (cap->value)
			feature_found(it, "there");
		else
			feature_found(it, "not there");
		if (state == FEATURE_MISSING)
			feature_fix(it, "use a newer kernel (5.10 or newer) with full KVM");
	}
}

static void check_traits(const struct host_kvm_report *kvm, struct features *f)
{
	for (unsigned i = 0; i < kvm->trait_count; i++) {
		const struct host_kvm_trait *t = &kvm->traits[i];

		feature_found(
			feature_add(f, t->there ? FEATURE_OK : FEATURE_WARNING, t->name, t->why),
			"%s", t->found);
	}
}

/* One feature for all guests that end as guest FIRST does. */
static void add_failure(const struct host_kvm_report *kvm, unsigned first, struct features *f)
{
	const struct host_kvm_instruction *guest = &kvm->instructions[first];
	bool smallest = first == 0;
	struct feature *it = feature_add(f, smallest ? FEATURE_MISSING : FEATURE_WARNING,
		smallest ? "smallest guest" : "kernel instructions",
		smallest ? "every guest begins like this"
			 : "ordinary kernels execute them, and would end there");
	char names[256] = "";
	size_t len = 0;

	for (unsigned i = first; i < kvm->instruction_count && len < sizeof(names); i++) {
		const struct host_kvm_instruction *other = &kvm->instructions[i];

		if (host_kvm_failed(other) && strcmp(other->outcome, guest->outcome) == 0)
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
				len ? ", " : "", other->name);
	}
	feature_found(it, "%s: a tiny guest ends in %s", names, guest->outcome);
	feature_fix(it, guest->emulation ? "run unmodified kernels on a host with hardware KVM; "
					   "freestanding images can do without them"
					 : "run unmodified kernels on another host or host kernel");
}

/* True when an earlier guest than GUEST ends in the same way. */
static bool already_added(const struct host_kvm_report *kvm, unsigned guest)
{
	for (unsigned i = 0; i < guest; i++) {
		if (host_kvm_failed(&kvm->instructions[i]) &&
			strcmp(kvm->instructions[i].outcome, kvm->instructions[guest].outcome) == 0)
			return true;
	}
	return false;
}

static void check_guests(const struct host_kvm_report *kvm, struct features *f)
{
	unsigned tried = 0, good = 0;
	struct feature *it;

	if (!kvm->instruction_count)
		return;
	for (unsigned i = 0; i < kvm->instruction_count; i++) {
		tried += kvm->instructions[i].tried;
		good += kvm->instructions[i].ok;
		if (host_kvm_failed(&kvm->instructions[i]) && !already_added(kvm, i))
			add_failure(kvm, i, f);
	}
	it = feature_add(f, good == tried ? FEATURE_OK : FEATURE_WARNING, "tiny guests",
		"what ordinary kernels execute must run, not only be announced");
	feature_fix(it, "%s", good == tried ? "" : "see kernel instructions");
	feature_found(it, "%u of %u run; this KVM is of the kind \"%s\"", good, tried,
		host_kvm_kind_name(kvm->kind));
	if (!kvm->exit_ns || !kvm->instructions_per_second)
		return;
	it = feature_add(f, FEATURE_OK, "guest speed", "a hint at what to expect");
	feature_found(it,
		"%.1f us an exit to user space and back, %.1f million instructions a second "
		"in kernel mode",
		(double)kvm->exit_ns / 1e3, (double)kvm->instructions_per_second / 1e6);
}

void doctor_check_kvm(const struct doctor_host *host, struct features *f)
{
	check_device(host, f);
	if (host->kvm->access != HOST_KVM_USABLE)
		return;
	check_caps(host->kvm, f);
	check_traits(host->kvm, f);
	if (host->arch == PLAN_ARCH_ARM64)
		doctor_check_el2(host, f);
	check_guests(host->kvm, f);
}
