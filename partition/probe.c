/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/probe.h"

#include "lib/util.h"
#include "vmm/hold.h"
#include "vmm/probe.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

static_assert(HOST_KVM_CAPS_MAX >= KVM_PROBE_CAPS_MAX, "room for every capability");
static_assert(HOST_KVM_TRAITS_MAX >= KVM_PROBE_TRAITS_MAX, "room for every trait");
static_assert(HOST_KVM_INSTRUCTIONS_MAX >= KVM_PROBE_CASES_MAX, "room for every case");

/* What the child writes. Its texts are static, so they are the same in both processes. */
struct shared {
	int open_error;
	int probe_error;
	bool opened;
	struct kvm_probe_report report;
};

static void probe_in_child(const char *device, struct shared *s)
{
	int fd = open(device, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		s->open_error = errno;
		_exit(0);
	}
	s->opened = true;
	s->probe_error = -kvm_probe(fd, &s->report);
	_exit(0);
}

/* Waits until CHILD is gone; kills it when it takes too long. One that not even that ends stays. */
static void wait_for_child(pid_t child)
{
	AUTO_CLOSE int pidfd = pidfd_open(child, 0);
	struct pollfd poll_for = {.fd = pidfd, .events = POLLIN};
	int n;

	if (pidfd < 0) {
		waitpid(child, NULL, 0);
		return;
	}
	do
		n = poll(&poll_for, 1, PARTITION_PROBE_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		kill(child, SIGKILL);
		poll(&poll_for, 1, 1000);
	}
	waitpid(child, NULL, WNOHANG);
}

/* ---- from numbers to words ---- */

static enum host_kvm_access classify(const struct shared *s, int *ret_error)
{
	int error = s->open_error ? s->open_error : s->probe_error;

	*ret_error = error;
	switch (error) {
	case 0:
		return HOST_KVM_USABLE;
	case ENOENT:
	case ENODEV:
	case ENXIO:
	case ENOTDIR:
		return s->opened ? HOST_KVM_ERROR : HOST_KVM_NO_DEVICE;
	case EACCES:
	case EPERM:
		return HOST_KVM_DENIED;
	case EBUSY:
		return HOST_KVM_BUSY;
	case EPROTO:
		return s->opened ? HOST_KVM_WRONG_API : HOST_KVM_ERROR;
	default:
		return HOST_KVM_ERROR;
	}
}

static void translate(const struct kvm_probe_report *in, struct host_kvm_report *out)
{
	out->api_version = in->api_version;
	out->cpuid_changed = in->cpuid_changed;
	out->exit_ns = in->exit_ns;
	out->instructions_per_second = in->instructions_per_second;
	out->cap_count = in->cap_count;
	for (unsigned i = 0; i < in->cap_count; i++)
		out->caps[i] = (struct host_kvm_cap){.name = in->caps[i].name,
			.why = in->caps[i].why,
			.required = in->caps[i].required,
			.value = in->caps[i].value};
	out->trait_count = in->trait_count;
	for (unsigned i = 0; i < in->trait_count; i++) {
		out->traits[i] = (struct host_kvm_trait){.name = in->traits[i].name,
			.why = in->traits[i].why,
			.there = in->traits[i].there};
		snprintf(out->traits[i].found, sizeof(out->traits[i].found), "%s",
			in->traits[i].found);
	}
	out->instruction_count = in->case_count;
	for (unsigned i = 0; i < in->case_count; i++) {
		const struct kvm_probe_case *c = &in->cases[i];
		struct host_kvm_instruction *to = &out->instructions[i];

		to->name = c->name;
		to->tried = c->outcome != KVM_PROBE_UNTRIED;
		to->ok = c->outcome == KVM_PROBE_OK;
		to->emulation = kvm_probe_is_emulation_failure(c);
		kvm_probe_describe(c, to->outcome, sizeof(to->outcome));
	}
}

static enum host_kvm_kind find_kind(const struct host_kvm_report *r)
{
	enum host_kvm_kind kind = HOST_KVM_FULL;

	if (r->access != HOST_KVM_USABLE)
		return HOST_KVM_NONE;
	if (!r->instruction_count || !r->instructions[0].ok)
		return HOST_KVM_UNUSABLE;
	for (unsigned i = 0; i < r->cap_count; i++) {
		if (r->caps[i].required && !r->caps[i].value)
			return HOST_KVM_UNUSABLE;
	}
	for (unsigned i = 0; i < r->instruction_count; i++) {
		const struct host_kvm_instruction *it = &r->instructions[i];

		if (it->emulation)
			return HOST_KVM_SOFTWARE;
		if (host_kvm_failed(it))
			kind = HOST_KVM_RESTRICTED;
	}
	return kind;
}

/* ---- the whole ---- */

int partition_probe(const char *device, struct host_kvm_report *ret_report)
{
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	if (s == MAP_FAILED)
		return -errno;
	/* Stands until the child says better: it died, or was killed, on its way. */
	s->probe_error = ECHILD;
	child = fork();
	if (child < 0) {
		int error = errno;

		munmap(s, sizeof(*s));
		return -error;
	}
	if (child == 0)
		probe_in_child(device, s);
	wait_for_child(child);
	memset(ret_report, 0, sizeof(*ret_report));
	translate(&s->report, ret_report);
	ret_report->access = classify(s, &ret_report->error);
	/* Died in the middle of the guests: then those that ran before it count. */
	if (ret_report->error == ECHILD && ret_report->instruction_count) {
		ret_report->access = HOST_KVM_USABLE;
		ret_report->error = 0;
	}
	ret_report->kind = find_kind(ret_report);
	munmap(s, sizeof(*s));
	return 0;
}

bool host_kvm_runs_partitions(const struct host_kvm_report *r)
{
	return r->kind >= HOST_KVM_SOFTWARE;
}

const char *host_kvm_kind_name(enum host_kvm_kind kind)
{
	static const char *const names[] = {
		[HOST_KVM_NONE] = "none",
		[HOST_KVM_UNUSABLE] = "unusable",
		[HOST_KVM_SOFTWARE] = "software",
		[HOST_KVM_RESTRICTED] = "restricted",
		[HOST_KVM_FULL] = "full",
	};

	return names[kind];
}

unsigned partition_kvm_api_version(void)
{
	return KVM_PROBE_API_VERSION;
}

void partition_hold_kvm(const char *device)
{
	kvm_hold(device);
}
