/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * System call filters on libseccomp: seccomp(2), seccomp_rule_add(3). A filter holds for all
 * threads at once. Calls of another architecture (32-bit ones, x32) count as not listed where what
 * is listed is allowed; where it is denied, the 32-bit ones of the same name are denied, too.
 */
#include "lib/sandbox.h"
#include "lib/util.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>

/* The only calls of a vCPU are ioctls: they are looked at first. */
#define HOT_CALL "ioctl"

struct sandbox_filter {
	enum sandbox_filter_kind kind;
	scmp_filter_ctx ctx;
};

static int set_attributes(struct sandbox_filter *f)
{
	int ret = seccomp_attr_set(f->ctx, SCMP_FLTATR_CTL_TSYNC, 1);

	/* Kernels before 5.16 slow filtered processes down, because of code that they were given to
	 * run (Speculative Store Bypass): ours run none. */
	if (!ret)
		ret = seccomp_attr_set(f->ctx, SCMP_FLTATR_CTL_SSB, 1);
	if (!ret)
		ret = seccomp_attr_set(f->ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	return ret;
}

/* Programs for the host's 32-bit mode may be among what an unlocked process starts. */
static int add_compat_arch(struct sandbox_filter *f)
{
	uint32_t native = seccomp_arch_native();
	int ret = 0;

	if (native == SCMP_ARCH_X86_64)
		ret = seccomp_arch_add(f->ctx, SCMP_ARCH_X86);
	else if (native == SCMP_ARCH_AARCH64)
		ret = seccomp_arch_add(f->ctx, SCMP_ARCH_ARM);
	return ret == -EEXIST ? 0 : ret;
}

int sandbox_filter_create(enum sandbox_filter_kind kind, struct sandbox_filter **ret_filter)
{
	struct sandbox_filter *f = calloc(1, sizeof(*f));
	int ret;

	if (!f)
		return -ENOMEM;
	f->kind = kind;
	f->ctx =
		seccomp_init(kind == SANDBOX_ALLOW_LISTED ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ALLOW);
	ret = f->ctx ? set_attributes(f) : -ENOMEM;
	if (!ret && kind == SANDBOX_DENY_LISTED)
		ret = add_compat_arch(f);
	if (ret) {
		sandbox_filter_destroy(f);
		return ret;
	}
	*ret_filter = f;
	return 0;
}

void sandbox_filter_destroy(struct sandbox_filter *filter)
{
	if (!filter)
		return;
	seccomp_release(filter->ctx);
	free(filter);
}

int sandbox_filter_add(
	struct sandbox_filter *filter, const struct sandbox_rule *rules, size_t count)
{
	uint32_t action =
		filter->kind == SANDBOX_ALLOW_LISTED ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM);

	for (size_t i = 0; i < count; i++) {
		const struct sandbox_rule *r = &rules[i];
		struct scmp_arg_cmp cmp = {
			.arg = r->argument,
			.op = SCMP_CMP_MASKED_EQ,
			.datum_a = r->mask,
			.datum_b = r->value,
		};
		int call = seccomp_syscall_resolve_name(r->call), ret;

		if (call == __NR_SCMP_ERROR)
			return -EINVAL;
		if (call < 0)
			continue;
		ret = seccomp_rule_add_array(filter->ctx, action, call, r->conditional, &cmp);
		/* -EEXIST: listed twice. */
		if (ret && ret != -EEXIST)
			return ret;
	}
	return 0;
}

void sandbox_filter_apply(struct sandbox_filter *filter, struct diags *gaps)
{
	int ret = seccomp_syscall_priority(
		filter->ctx, seccomp_syscall_resolve_name(HOT_CALL), UINT8_MAX);

	if (!ret)
		ret = seccomp_load(filter->ctx);
	sandbox_filter_destroy(filter);
	if (ret)
		diag_warning(gaps, NULL, NULL,
			"any system call is allowed, as no filter could be set: %s; use a kernel with "
			"CONFIG_SECCOMP_FILTER, and a container that does not forbid seccomp",
			strerror(-ret));
}
