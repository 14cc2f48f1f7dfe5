/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CPUID: what KVM supports on this host, with the topology of this partition: one package, one
 * thread a core, vCPU i being core i with APIC id i. Leaves by [SDM 2A CPUID] and [APM 3 E].
 */
#include "lib/util.h"
#include "vmm/x86/x86.h"

#include <errno.h>
#include <linux/kvm_para.h>
#include <string.h>
#include <sys/ioctl.h>

#define LEAF1_ECX_VMX          (1u << 5)
#define LEAF1_ECX_X2APIC       (1u << 21)
#define LEAF1_ECX_TSC_DEADLINE (1u << 24)
#define LEAF1_ECX_HYPERVISOR   (1u << 31)
#define LEAF1_EDX_HTT          (1u << 28)
#define LEAF7_EBX_SGX          (1u << 2)
#define LEAF7_ECX_SGX_LC       (1u << 30)
#define EXT1_ECX_CMP_LEGACY    (1u << 1)
#define EXT1_ECX_SVM           (1u << 2)

/*
 * The timing leaf that hypervisors share: EAX is the TSC's and EBX the APIC bus's frequency in kHz.
 * A guest that reads it needs no calibration.
 */
#define LEAF_HV_BASE     0x40000000
#define LEAF_HV_TIMING   0x40000010
#define KVM_APIC_BUS_KHZ 1000000

/*
 * What a guest that knows KVM is told of it, a list of ours: what a later KVM adds is not shown
 * unseen. All of it stays within the partition: calls and MSRs by which it saves exits, reads
 * clocks, and has KVM write into its own memory, times that it did not run among it.
 */
#define KVM_SHOWN                                                                                  \
	(1u << KVM_FEATURE_CLOCKSOURCE | 1u << KVM_FEATURE_NOP_IO_DELAY |                          \
		1u << KVM_FEATURE_CLOCKSOURCE2 | 1u << KVM_FEATURE_ASYNC_PF |                      \
		1u << KVM_FEATURE_STEAL_TIME | 1u << KVM_FEATURE_PV_EOI |                          \
		1u << KVM_FEATURE_ASYNC_PF_VMEXIT | 1u << KVM_FEATURE_PV_SEND_IPI |                \
		1u << KVM_FEATURE_POLL_CONTROL | 1u << KVM_FEATURE_ASYNC_PF_INT |                  \
		1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT)
/*
 * Locks and TLB flushes that reckon with vCPUs that are not running: where those share cores.
 * KVM_HINTS_REALTIME would say the same of those that do not, but has Linux' cpuidle-haltpoll
 * switch off KVM's polling as well, for one of its own that it does only where it has a governor
 * for it.
 */
#define KVM_SHOWN_SHARING                                                                          \
	(1u << KVM_FEATURE_PV_UNHALT | 1u << KVM_FEATURE_PV_TLB_FLUSH |                            \
		1u << KVM_FEATURE_PV_SCHED_YIELD)

/* Level types of leaves 0xB and 0x1F, in ECX[15:8]. */
enum { LEVEL_END, LEVEL_THREAD, LEVEL_CORE };

/* Bits of the APIC id that number N cores. */
static unsigned core_bits(unsigned n)
{
	unsigned bits = 0;

	while (1u << bits < n)
		bits++;
	return bits;
}

/* Replaces bits [HI:LO] of *REG. */
static void set_field(uint32_t *reg, unsigned hi, unsigned lo, uint32_t value)
{
	uint32_t mask = (uint32_t)(((uint64_t)1 << (hi - lo + 1)) - 1) << lo;

	*reg = (*reg & ~mask) | ((value << lo) & mask);
}

/* Shared properties of all vCPUs. */
static void patch_common(struct kvm_cpuid_entry2 *e, const struct vm *vm)
{
	switch (e->function) {
	case 1:
		e->ecx |= LEAF1_ECX_HYPERVISOR | LEAF1_ECX_X2APIC;
		if (!vm->machine->nested)
			e->ecx &= ~LEAF1_ECX_VMX;
		if (ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
			e->ecx |= LEAF1_ECX_TSC_DEADLINE;
		break;
	case LEAF_HV_BASE:
		e->eax = LEAF_HV_TIMING;
		break;
	case KVM_CPUID_FEATURES:
		e->eax &= KVM_SHOWN | (vm->machine->dedicated ? 0 : KVM_SHOWN_SHARING);
		e->ebx = e->ecx = e->edx = 0;
		break;
	case 7: /* SGX needs memory of its own kind, which no partition has */
		if (e->index == 0) {
			e->ebx &= ~LEAF7_EBX_SGX;
			e->ecx &= ~LEAF7_ECX_SGX_LC;
		}
		break;
	case 0x12:       /* SGX */
	case 0x8000001F: /* SME and SEV: no partition's memory is encrypted */
		e->eax = e->ebx = e->ecx = e->edx = 0;
		break;
	case 0x80000001:
		if (!vm->machine->nested)
			e->ecx &= ~EXT1_ECX_SVM;
		break;
	case 0x8000000A: /* SVM */
		if (!vm->machine->nested)
			e->eax = e->ebx = e->ecx = e->edx = 0;
		break;
	}
}

/* Leaf 4 and 0x8000001D: caches. The last level is the package's, the others are a core's own. */
static void patch_cache(struct kvm_cpuid_entry2 *e, unsigned vcpus, bool intel)
{
	uint32_t level = (e->eax >> 5) & 7;

	if (!(e->eax & 0x1F))
		return;
	set_field(&e->eax, 25, 14, level >= 3 ? (1u << core_bits(vcpus)) - 1 : 0);
	if (intel)
		set_field(&e->eax, 31, 26, (1u << core_bits(vcpus)) - 1);
}

static void patch_topology_leaf(struct kvm_cpuid_entry2 *e, const struct vcpu *vcpu)
{
	unsigned n = vcpu->vm->machine->vcpus;

	e->eax = e->ebx = 0;
	e->ecx = e->index;
	e->edx = vcpu->index;
	if (e->index == 0) {
		e->ebx = 1;
		e->ecx |= LEVEL_THREAD << 8;
	} else if (e->index == 1) {
		e->eax = core_bits(n);
		e->ebx = n;
		e->ecx |= LEVEL_CORE << 8;
	}
}

static void patch_timing_leaf(struct kvm_cpuid_entry2 *e, const struct vcpu *vcpu)
{
	int tsc_khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);

	e->eax = tsc_khz > 0 ? (uint32_t)tsc_khz : 0; /* 0: KVM does not know */
	e->ebx = KVM_APIC_BUS_KHZ;
}

static void patch_vcpu(struct kvm_cpuid_entry2 *e, const struct vcpu *vcpu)
{
	unsigned n = vcpu->vm->machine->vcpus;

	switch (e->function) {
	case 1:
		set_field(&e->ebx, 31, 24, vcpu->index);
		set_field(&e->ebx, 23, 16, 1u << core_bits(n));
		e->edx &= ~LEAF1_EDX_HTT;
		if (n > 1)
			e->edx |= LEAF1_EDX_HTT;
		break;
	case 4:
		patch_cache(e, n, true);
		break;
	case 0xB:
	case 0x1F:
		patch_topology_leaf(e, vcpu);
		break;
	case LEAF_HV_TIMING:
		patch_timing_leaf(e, vcpu);
		break;
	case 0x80000001:
		/* AMD's word for "the logical processors of leaf 1 are cores"; reserved on Intel.
		 */
		if (vcpu->vm->arch.amd)
			e->ecx =
				(e->ecx & ~EXT1_ECX_CMP_LEGACY) | (n > 1 ? EXT1_ECX_CMP_LEGACY : 0);
		break;
	case 0x80000008: /* NC and ApicIdSize */
		set_field(&e->ecx, 7, 0, n - 1);
		set_field(&e->ecx, 15, 12, core_bits(n));
		break;
	case 0x8000001D:
		patch_cache(e, n, false);
		break;
	case 0x8000001E: /* extended APIC id; core id, one thread a core; node 0 of 1 */
		e->eax = vcpu->index;
		e->ebx = vcpu->index;
		e->ecx = 0;
		break;
	}
}

/* AMD, and Hygon, whose processors are AMD's design. */
static bool is_amd(const struct kvm_cpuid2 *c)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &c->entries[i];
		char vendor[12];

		if (e->function != 0)
			continue;
		memcpy(vendor, &e->ebx, 4);
		memcpy(vendor + 4, &e->edx, 4);
		memcpy(vendor + 8, &e->ecx, 4);
		return memcmp(vendor, "AuthenticAMD", 12) == 0 ||
		       memcmp(vendor, "HygonGenuine", 12) == 0;
	}
	return false;
}

static bool is_topology_leaf(const struct kvm_cpuid_entry2 *e)
{
	return e->function == 0xB || e->function == 0x1F;
}

/*
 * Gives topology leaf FUNCTION exactly subleaves 0 to 2: KVM reports as many as the host has, which
 * may be fewer. There is always room: CPUID_ENTRIES_MAX is far above what KVM returns.
 */
static void add_topology_leaf(struct kvm_cpuid2 *c, uint32_t function)
{
	for (uint32_t i = 0; i < 3 && c->nent < CPUID_ENTRIES_MAX; i++) {
		c->entries[c->nent++] = (struct kvm_cpuid_entry2){
			.function = function, .index = i, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX};
	}
}

static void replace_topology_leaves(struct kvm_cpuid2 *c)
{
	uint32_t kept = 0, max_basic = 0;

	for (uint32_t i = 0; i < c->nent; i++) {
		if (c->entries[i].function == 0)
			max_basic = c->entries[i].eax;
		if (!is_topology_leaf(&c->entries[i]))
			c->entries[kept++] = c->entries[i];
	}
	c->nent = kept;
	if (max_basic >= 0xB)
		add_topology_leaf(c, 0xB);
	if (max_basic >= 0x1F)
		add_topology_leaf(c, 0x1F);
}

struct arch_host *arch_host_ask(int kvm_fd)
{
	struct kvm_cpuid2 *c =
		calloc(1, sizeof(*c) + CPUID_ENTRIES_MAX * sizeof(struct kvm_cpuid_entry2));

	if (!c)
		return NULL;
	c->nent = CPUID_ENTRIES_MAX;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, c)) {
		free(c);
		return NULL;
	}
	return (struct arch_host *)c;
}

void arch_host_free(struct arch_host *host)
{
	free(host);
}

struct kvm_cpuid2 *cpuid_create(struct vm *vm, struct arch_host *host)
{
	struct kvm_cpuid2 *c = (struct kvm_cpuid2 *)host;

	vm->arch.amd = is_amd(c);
	replace_topology_leaves(c);
	if (c->nent < CPUID_ENTRIES_MAX)
		c->entries[c->nent++] = (struct kvm_cpuid_entry2){.function = LEAF_HV_TIMING};
	for (uint32_t i = 0; i < c->nent; i++)
		patch_common(&c->entries[i], vm);
	if (machine_is_fusa(vm->machine))
		fusa_cpuid_apply(c, vm->machine);
	return c;
}

int cpuid_set(struct vcpu *vcpu, const char **ret_what)
{
	struct kvm_cpuid2 *c = vcpu->vm->arch.cpuid;

	for (uint32_t i = 0; i < c->nent; i++) {
		patch_vcpu(&c->entries[i], vcpu);
		if (machine_is_fusa(vcpu->vm->machine))
			fusa_cpuid_patch_vcpu(&c->entries[i], vcpu);
	}
	*ret_what = "KVM_SET_CPUID2";
	return ioctl(vcpu->fd, KVM_SET_CPUID2, c) ? -errno : 0;
}
