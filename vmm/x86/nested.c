/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nested virtualization: VMX or SVM in CPUID, for guests that are hypervisors themselves. KVM's
 * module offers it (its parameter nested), or not [SDM 3C 24, APM 2 15]. The MSRs that tell what
 * there is are KVM's; what firmware does at a start is done here.
 */
#include "lib/util.h"
#include "vmm/arch.h"
#include "vmm/x86/x86.h"

#include <cpuid.h>
#include <errno.h>
#include <sys/ioctl.h>

#define LEAF1_ECX_VMX 5
#define EXT1_ECX_SVM  2

#define MSR_FEATURE_CONTROL        0x3A
#define FEATURE_CONTROL_LOCKED     (1u << 0)
#define FEATURE_CONTROL_VMX_NO_SMX (1u << 2)

static bool has_bit(const struct kvm_cpuid2 *c, uint32_t function, unsigned ecx_bit)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		if (c->entries[i].function == function)
			return c->entries[i].ecx >> ecx_bit & 1;
	}
	return false;
}

enum nesting nesting_of(const struct kvm_cpuid2 *c)
{
	if (has_bit(c, 1, LEAF1_ECX_VMX))
		return NESTING_VMX;
	return has_bit(c, 0x80000001, EXT1_ECX_SVM) ? NESTING_SVM : NESTING_NONE;
}

/* What the processor that we run on has, as far as it shows itself. */
static enum nesting nesting_of_host(void)
{
	unsigned eax, ebx, ecx = 0, edx;

	if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) && ecx >> LEAF1_ECX_VMX & 1)
		return NESTING_VMX;
	if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && ecx >> EXT1_ECX_SVM & 1)
		return NESTING_SVM;
	return NESTING_NONE;
}

static int refuse(struct arch_refusal *ret_refusal)
{
	static const char *const whys[] = {
		[NESTING_NONE] =
			"this host's KVM works without the processor's virtualization, and "
			"has none for guests; use another host, or leave it out",
		[NESTING_VMX] =
			"this host's KVM offers guests no VMX; load kvm_intel with nested=1, "
			"or leave it out",
		[NESTING_SVM] =
			"this host's KVM offers guests no SVM; load kvm_amd with nested=1, or "
			"leave it out",
	};

	ret_refusal->key = "nested";
	snprintf(ret_refusal->why, sizeof(ret_refusal->why), "%s", whys[nesting_of_host()]);
	return -EOPNOTSUPP;
}

int arch_machine_choose(int kvm_fd, struct machine *m, struct arch_refusal *ret_refusal)
{
	struct arch_host *host;
	enum nesting offered;

	if (!m->nested)
		return 0;
	host = arch_host_ask(kvm_fd);
	if (!host)
		return -errno;
	offered = nesting_of((struct kvm_cpuid2 *)host);
	arch_host_free(host);
	return offered == NESTING_NONE ? refuse(ret_refusal) : 0;
}

/* VMXON works only where firmware has said so, once and for all [SDM 3C 24.7]. */
int nested_vcpu_init(struct vcpu *vcpu, const char **ret_what)
{
	AUTO_FREE struct kvm_msrs *msrs = NULL;
	int done;

	if (!vcpu->vm->machine->nested || nesting_of(vcpu->vm->arch.cpuid) != NESTING_VMX)
		return 0;
	*ret_what = "KVM_SET_MSRS (IA32_FEATURE_CONTROL)";
	msrs = calloc(1, sizeof(*msrs) + sizeof(struct kvm_msr_entry));
	if (!msrs)
		return -ENOMEM;
	msrs->nmsrs = 1;
	msrs->entries[0] = (struct kvm_msr_entry){.index = MSR_FEATURE_CONTROL,
		.data = FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMX_NO_SMX};
	done = ioctl(vcpu->fd, KVM_SET_MSRS, msrs);
	if (done < 0)
		return -errno;
	return done == 1 ? 0 : -EIO;
}
