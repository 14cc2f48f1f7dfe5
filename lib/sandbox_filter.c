/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * System call filters: seccomp(2), classic BPF. libseccomp knows the calls' numbers; the programs
 * are made here, because a partition's start waits for its filter: a tree of comparisons by number,
 * as the kernel goes through the program for every call there is when it gets it. A filter holds
 * for all threads at once. Calls of another architecture (32-bit ones, x32) count as not listed
 * where what is listed is allowed; where it is denied, the 32-bit ones of the same name are denied,
 * too.
 */
#include "lib/sandbox.h"
#include "lib/util.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* To all threads. Kernels before 5.16 slow filtered processes down, because of code that they were
 * given to run (Speculative Store Bypass): ours run none. */
#define FLAGS (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW)

/* Of x32's calls, which say that they are x86-64's [arch/x86/include/uapi/asm/unistd.h]. */
#define X32_BIT 0x40000000

#define RULES_MAX 128 /* of one architecture */

struct listed {
	uint32_t nr;
	struct sandbox_rule rule;
};

struct calls {
	uint32_t arch; /* AUDIT_ARCH_..., which are libseccomp's numbers, too */
	unsigned count;
	struct listed list[RULES_MAX];
};

struct sandbox_filter {
	uint32_t listed, others; /* what the program returns for them */
	unsigned arch_count;
	struct calls archs[2];
};

/* Programs for the host's 32-bit mode may be among what an unlocked process starts. */
static uint32_t compat_arch(uint32_t native)
{
	return native == SCMP_ARCH_X86_64    ? SCMP_ARCH_X86
	       : native == SCMP_ARCH_AARCH64 ? SCMP_ARCH_ARM
					     : 0;
}

int sandbox_filter_create(enum sandbox_filter_kind kind, struct sandbox_filter **ret_filter)
{
	struct sandbox_filter *f = calloc(1, sizeof(*f));
	uint32_t native = seccomp_arch_native(), compat = compat_arch(native);

	if (!f)
		return -ENOMEM;
	f->archs[f->arch_count++].arch = native;
	if (kind == SANDBOX_ALLOW_LISTED) {
		f->listed = SECCOMP_RET_ALLOW;
		f->others = SECCOMP_RET_KILL_PROCESS;
	} else {
		f->listed = SECCOMP_RET_ERRNO | EPERM;
		f->others = SECCOMP_RET_ALLOW;
		if (compat)
			f->archs[f->arch_count++].arch = compat;
	}
	*ret_filter = f;
	return 0;
}

void sandbox_filter_destroy(struct sandbox_filter *filter)
{
	free(filter);
}

int sandbox_filter_add(
	struct sandbox_filter *filter, const struct sandbox_rule *rules, size_t count)
{
	for (size_t i = 0; i < count * filter->arch_count; i++) {
		const struct sandbox_rule *rule = &rules[i / filter->arch_count];
		struct calls *c = &filter->archs[i % filter->arch_count];
		int nr = seccomp_syscall_resolve_name_arch(c->arch, rule->call);

		if (nr == __NR_SCMP_ERROR || (rule->conditional && rule->argument > 5))
			return -EINVAL;
		if (nr < 0)
			continue; /* this architecture does not have it */
		if (c->count == RULES_MAX)
			return -ENOSPC;
		c->list[c->count] = (struct listed){(uint32_t)nr, *rule};
		c->count++;
	}
	return 0;
}

/* ---- programs ---- */

struct program {
	unsigned short length;
	struct sock_filter code[BPF_MAXINSNS];
};

/* A rule takes up to 8 instructions; an architecture and a filter a few more. */
_Static_assert(2 * 9 * RULES_MAX < BPF_MAXINSNS, "no program is too long");

static struct sock_filter *emit(struct program *p, unsigned code, uint32_t k)
{
	struct sock_filter *at = &p->code[p->length++];

	*at = (struct sock_filter){.code = (unsigned short)code, .k = k};
	return at;
}

/* What follows is done if the accumulator is K (BPF_JEQ), or is not below it (BPF_JGE); else it
 * goes on where land is called for what this returns. */
static struct sock_filter *emit_if(struct program *p, unsigned comparison, uint32_t k)
{
	emit(p, BPF_JMP | comparison | BPF_K, k)->jt = 1;
	return emit(p, BPF_JMP | BPF_JA, 0);
}

static void land(const struct program *p, struct sock_filter *jump)
{
	jump->k = (uint32_t)(&p->code[p->length] - jump - 1);
}

static void emit_load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static void emit_return(struct program *p, uint32_t action)
{
	emit(p, BPF_RET | BPF_K, action);
}

/* Ends with ACTION if the accumulator is one of the COUNT values, each at *VALUE and every STRIDE
 * bytes; else it goes on. */
static void emit_any(
	struct program *p, const uint32_t *value, size_t stride, unsigned count, uint32_t action)
{
	_Static_assert(RULES_MAX < UINT8_MAX, "all are within reach");

	for (unsigned i = 0; i < count; i++) {
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, *value)->jt = (uint8_t)(count - i);
		value = (const uint32_t *)((const char *)value + stride);
	}
	emit(p, BPF_JMP | BPF_JA, 1);
	emit_return(p, action);
}

/* By call, those with a condition first, and then by what the condition looks at. */
static int compare_looks(const struct listed *x, const struct listed *y)
{
	if (x->rule.conditional != y->rule.conditional)
		return x->rule.conditional ? -1 : 1;
	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	if (x->rule.argument != y->rule.argument)
		return x->rule.argument < y->rule.argument ? -1 : 1;
	return x->rule.mask < y->rule.mask ? -1 : x->rule.mask > y->rule.mask;
}

/* Small values come first: KVM_RUN is one of the smallest of the ioctls. */
static int compare(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int looks = compare_looks(x, y);

	return looks ?: x->rule.value < y->rule.value ? -1 : x->rule.value > y->rule.value;
}

/* The rules at the start of the COUNT of LIST that have the same call, or look at the same, too. */
static unsigned count_same(const struct listed *list, unsigned count, bool look_at_the_same)
{
	unsigned n = 1;

	while (n < count && list[n].rule.conditional && list[n].nr == list[0].nr &&
		(!look_at_the_same || compare_looks(&list[n], &list[0]) == 0))
		n++;
	return n;
}

/* The call is that of these COUNT rules, which have conditions. */
static void emit_conditions(struct program *p, const struct sandbox_filter *f,
	const struct listed *list, unsigned count)
{
	while (count) {
		const struct sandbox_rule *r = &list->rule;
		unsigned n = count_same(list, count, true);

		/* The lower half: both architectures have it first. */
		emit_load(p, offsetof(struct seccomp_data, args) + 8 * r->argument);
		if (r->mask != UINT32_MAX)
			emit(p, BPF_ALU | BPF_AND | BPF_K, r->mask);
		emit_any(p, &r->value, sizeof(*list), n, f->listed);
		list += n;
		count -= n;
	}
}

/* The accumulator has the call's number. */
static void emit_calls(struct program *p, const struct sandbox_filter *f, struct calls *c)
{
	unsigned i = 0;

	qsort(c->list, c->count, sizeof(c->list[0]), compare);
	while (i < c->count && c->list[i].rule.conditional) {
		unsigned n = count_same(&c->list[i], c->count - i, false);
		struct sock_filter *other = emit_if(p, BPF_JEQ, c->list[i].nr);

		emit_conditions(p, f, &c->list[i], n);
		emit_return(p, f->others);
		land(p, other);
		i += n;
	}
	emit_any(p, &c->list[i].nr, sizeof(c->list[i]), c->count - i, f->listed);
	emit_return(p, f->others);
}

static void make_program(struct sandbox_filter *f, struct program *p)
{
	/*
	 * When it gets a program, the kernel goes through it for each call there is, to find those
	 * that are always allowed (Linux 5.11), until something is looked at that it cannot know
	 * yet: it saves nothing that would show here, and takes longer than all the rest.
	 */
	emit_load(p, offsetof(struct seccomp_data, args));
	for (unsigned i = 0; i < f->arch_count; i++) {
		struct calls *c = &f->archs[i];
		struct sock_filter *other;

		emit_load(p, offsetof(struct seccomp_data, arch));
		other = emit_if(p, BPF_JEQ, c->arch);
		emit_load(p, offsetof(struct seccomp_data, nr));
		if (c->arch == SCMP_ARCH_X86_64) {
			struct sock_filter *own = emit_if(p, BPF_JGE, X32_BIT);

			emit_return(p, SECCOMP_RET_KILL_PROCESS);
			land(p, own);
		}
		emit_calls(p, f, c);
		land(p, other);
	}
	emit_return(p, SECCOMP_RET_KILL_PROCESS);
}

void sandbox_filter_apply(struct sandbox_filter *filter, struct diags *gaps)
{
	AUTO_FREE struct program *p = malloc(sizeof(*p));
	struct sock_fprog program;
	long ret = p ? prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) : -1;

	if (!ret) {
		p->length = 0;
		make_program(filter, p);
		program = (struct sock_fprog){.len = p->length, .filter = p->code};
		ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, FLAGS, &program);
	}
	/* Positive: the thread that cannot have it. */
	if (ret)
		diag_warning(gaps, NULL, NULL,
			"any system call is allowed, as no filter could be set: %s; use a kernel with "
			"CONFIG_SECCOMP_FILTER, and a container that does not forbid seccomp",
			strerror(ret < 0 ? errno : ESRCH));
	sandbox_filter_destroy(filter);
}
