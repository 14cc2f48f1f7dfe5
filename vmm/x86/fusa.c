/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the fusa contract (docs/contract-fusa.md) asks of KVM beside the standard machine: local
 * APICs alone, in x2APIC mode; MSRs and CPUID leaves by list; and KVM's conveniences switched off
 * where they show.
 *
 * Left out, because KVM has no means for it: #UD on VMCALL of the host's own kind and on RDPMC,
 * a boot vCPU that does not take INIT.
 */
#include "lib/util.h"
#include "vmm/x86/x86.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

/* ---- MSRs ---- */

#define R KVM_MSR_FILTER_READ
#define W KVM_MSR_FILTER_WRITE

/*
 * What a guest may access; anything else is #GP(0). KVM adds the x2APIC's (0x800-0x8FF), which a
 * filter cannot hold back. Writes and bits that KVM itself refuses are #GP all the same.
 */
static const struct {
	uint32_t msr;
	unsigned access;
} msrs[] = {
	{0x00000010, R | W}, /* IA32_TIME_STAMP_COUNTER: the guest's own clock */
	{0x00000017, R},     /* IA32_PLATFORM_ID: read by microcode drivers */
	{0x0000001B, R | W}, /* IA32_APIC_BASE: says that the local APIC is in x2APIC mode */
	{0x0000003A, R},     /* IA32_FEATURE_CONTROL: says that it is locked, VMX off */
	{0x0000003B, R | W}, /* IA32_TSC_ADJUST: CPUID leaf 7 announces it */
	{0x00000048, R | W}, /* IA32_SPEC_CTRL: mitigations, which only the guest can switch */
	{0x00000049, W},     /* IA32_PRED_CMD: the same */
	{0x0000008B, R | W}, /* IA32_BIOS_SIGN_ID: kernels ask for the microcode revision */
	{0x000000CE, R},     /* MSR_PLATFORM_INFO */
	{0x0000010B, W},     /* IA32_FLUSH_CMD: a mitigation */
	{0x00000174, R | W}, /* IA32_SYSENTER_CS: the processor's own state, as the next two */
	{0x00000175, R | W}, /* IA32_SYSENTER_ESP */
	{0x00000176, R | W}, /* IA32_SYSENTER_EIP */
	{0x00000179, R},     /* IA32_MCG_CAP: how many banks, none */
	{0x0000017A, R | W}, /* IA32_MCG_STATUS */
	{0x000001A0, R | W}, /* IA32_MISC_ENABLE: read by every kernel at its start */
	{0x00000277, R | W}, /* IA32_PAT */
	{0x000006E0, R | W}, /* IA32_TSC_DEADLINE: the local APIC's timer */
	{0xC0000080, R | W}, /* IA32_EFER: long mode */
	{0xC0000081, R | W}, /* IA32_STAR: system calls, as the next three */
	{0xC0000082, R | W}, /* IA32_LSTAR */
	{0xC0000083, R | W}, /* IA32_CSTAR */
	{0xC0000084, R | W}, /* IA32_FMASK */
	{0xC0000100, R | W}, /* IA32_FS_BASE: segments, as the next two */
	{0xC0000101, R | W}, /* IA32_GS_BASE */
	{0xC0000102, R | W}, /* IA32_KERNEL_GS_BASE */
	{0xC0000103, R | W}, /* IA32_TSC_AUX: what RDTSCP gives */
};

#undef R
#undef W

/* A filter's bitmap is one run of MSR numbers; these hold all of the list. */
static const struct {
	uint32_t base, count; /* count: a multiple of 8, at most MSR_RUN_MAX */
} msr_runs[] = {{0x000, 0x300}, {0x6E0, 8}, {0xC0000080, 0x88}};

#define MSR_RUN_MAX 0x300

static int set_msr_filter(struct vm *vm, const char **ret_what)
{
	static const unsigned accesses[] = {KVM_MSR_FILTER_READ, KVM_MSR_FILTER_WRITE};
	uint8_t bits[ARRAY_SIZE(msr_runs)][ARRAY_SIZE(accesses)][MSR_RUN_MAX / 8] = {0};
	struct kvm_msr_filter filter = {.flags = KVM_MSR_FILTER_DEFAULT_DENY};
	unsigned n = 0;

	for (size_t r = 0; r < ARRAY_SIZE(msr_runs); r++) {
		for (size_t a = 0; a < ARRAY_SIZE(accesses); a++) {
			filter.ranges[n++] = (struct kvm_msr_filter_range){.flags = accesses[a],
				.base = msr_runs[r].base,
				.nmsrs = msr_runs[r].count,
				.bitmap = bits[r][a]};
			for (size_t i = 0; i < ARRAY_SIZE(msrs); i++) {
				uint32_t at = msrs[i].msr - msr_runs[r].base;

				if (at < msr_runs[r].count && msrs[i].access & accesses[a])
					bits[r][a][at / 8] |= (uint8_t)(1u << at % 8);
			}
		}
	}
	*ret_what = "KVM_X86_SET_MSR_FILTER";
	return ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter) ? -errno : 0;
}

/* ---- CPUID ---- */

#define MAX_BASIC     0x16
#define LEAF_TSC      0x15
#define LEAF_MHZ      0x16
#define LEAF1_EDX_MCE (1u << 7)
#define LEAF1_EDX_MCA (1u << 14)

/*
 * Bits that the contract hides, and those of features whose MSRs are not on the list: a guest that
 * saw them would run into #GP.
 */
static const struct {
	uint32_t function, index;
	uint32_t eax, ebx, ecx, edx; /* to be cleared */
} hidden[] = {
	/* ECX: DTES64, MONITOR, DS-CPL, SMX, EIST, TM2, SDBG, xTPR, PDCM, and that there is a
	 * hypervisor; EDX: MTRR, PSN, DS, ACPI, TM, PBE. */
	{1, 0, 0, 0, 0x8000C9DC, 0xA0641000}, {5, 0, ~0u, ~0u, ~0u, ~0u}, /* MONITOR */
	{6, 0, ~0u, ~0u, ~0u, ~0u},                                       /* thermal and power */
	{0xA, 0, ~0u, ~0u, ~0u, ~0u},                                     /* performance counters */
	/* EAX: subleaves; EBX: PQM, MPX, PQE, PT; ECX: WAITPKG, CET_SS, BUS_LOCK_DETECT, PKS;
	 * EDX: UINTR, CET_IBT, AMX, ARCH_CAPABILITIES, CORE_CAPABILITIES. */
	{7, 0, ~0u, 0x0200D000, 0x810000A0, 0x63500020},
	{0xD, 1, 0x00000018, ~0u, ~0u, ~0u}, /* XSAVES, XFD; IA32_XSS */
	{0xF, 0, ~0u, ~0u, ~0u, ~0u},        /* resource monitoring and allocation */
	{0x10, 0, ~0u, ~0u, ~0u, ~0u}, {0x14, 0, ~0u, ~0u, ~0u, ~0u}, /* PT */
	/* AMD's: ECX: OSVW, IBS, LWP, performance counters. */
	{0x80000001, 0, 0, 0, 0x11808600, 0},
	{0x80000008, 0, 0, 0x02000000, 0, 0}, /* AMD's: VIRT_SSBD */
	{0x80000022, 0, ~0u, ~0u, ~0u, ~0u},  /* AMD's: performance counters */
};

/* Leaves that are there without their being in KVM's table, filled in per vCPU. */
static void add_leaf(struct kvm_cpuid2 *c, uint32_t function)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		if (c->entries[i].function == function)
			return;
	}
	if (c->nent < CPUID_ENTRIES_MAX)
		c->entries[c->nent++] = (struct kvm_cpuid_entry2){.function = function};
}

static bool is_kept(const struct kvm_cpuid_entry2 *e)
{
	if (e->function == 7 && e->index)
		return false;
	return e->function <= MAX_BASIC || e->function >= 0x80000000;
}

void fusa_cpuid_apply(struct kvm_cpuid2 *c, const struct machine *m)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < c->nent; i++) {
		if (is_kept(&c->entries[i]))
			c->entries[kept++] = c->entries[i];
	}
	c->nent = kept;
	add_leaf(c, LEAF_TSC);
	add_leaf(c, LEAF_MHZ);
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		for (size_t h = 0; h < ARRAY_SIZE(hidden); h++) {
			if (e->function != hidden[h].function || e->index != hidden[h].index)
				continue;
			e->eax &= ~hidden[h].eax;
			e->ebx &= ~hidden[h].ebx;
			e->ecx &= ~hidden[h].ecx;
			e->edx &= ~hidden[h].edx;
		}
		if (e->function == 0)
			e->eax = MAX_BASIC;
		if (e->function == 1 && m->contract == MACHINE_FUSA_NON_SAFETY)
			e->edx &= ~(LEAF1_EDX_MCE | LEAF1_EDX_MCA);
	}
}

/*
 * The TSC runs at EBX / EAX of the core crystal, which also drives the local APIC's timer and is
 * KVM's 1 GHz. Guests multiply EBX by the crystal's kHz in 32 bits (Linux does), so the fraction
 * must be of small numbers: the best one is taken.
 */
static void patch_tsc_leaf(struct kvm_cpuid_entry2 *e, uint32_t tsc_khz)
{
	enum { CRYSTAL_KHZ = 1000000, PRODUCT_MAX = 4294 };
	uint64_t best = UINT64_MAX;

	e->edx = 0;
	e->ecx = CRYSTAL_KHZ * 1000u;
	e->eax = e->ebx = 0; /* not known */
	for (uint64_t den = 1; tsc_khz && den * tsc_khz / CRYSTAL_KHZ < PRODUCT_MAX; den++) {
		uint64_t num = (den * tsc_khz + CRYSTAL_KHZ / 2) / CRYSTAL_KHZ;
		uint64_t khz = num * CRYSTAL_KHZ / den;
		uint64_t error = khz > tsc_khz ? khz - tsc_khz : tsc_khz - khz;

		if (!num || error >= best)
			continue;
		best = error;
		e->eax = (uint32_t)den;
		e->ebx = (uint32_t)num;
	}
}

void fusa_cpuid_patch_vcpu(struct kvm_cpuid_entry2 *e, const struct vcpu *vcpu)
{
	int khz;

	if (e->function != LEAF_TSC && e->function != LEAF_MHZ)
		return;
	khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);
	if (khz < 0)
		khz = 0;
	if (e->function == LEAF_TSC)
		patch_tsc_leaf(e, (uint32_t)khz);
	else
		e->eax = e->ebx = (uint32_t)khz / 1000, e->ecx = 100, e->edx = 0;
}

/* ---- the VM ---- */

static int enable_cap(struct vm *vm, uint32_t cap, uint64_t argument)
{
	struct kvm_enable_cap enable = {.cap = cap, .args = {argument}};

	return ioctl(vm->fd, KVM_ENABLE_CAP, &enable) ? -errno : 0;
}

/* KVM's value for CAP, with the bits of WANTED that this host's KVM knows. */
static uint64_t cap_bits(struct vm *vm, int cap, uint64_t wanted)
{
	int known = ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, cap);

	return known > 0 ? wanted & (uint64_t)known : 0;
}

int fusa_vm_create(struct vm *vm, const char **ret_what)
{
	uint64_t x2apic = cap_bits(vm, KVM_CAP_X2APIC_API,
		KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK);
	/*
	 * CR0.CD and NW are kept; an xAPIC's page is no hole; MWAIT and MONITOR are #UD, and
	 * IA32_MISC_ENABLE does not change CPUID; the other vendor's VMCALL is #UD.
	 */
	uint64_t quirks = cap_bits(vm, KVM_CAP_DISABLE_QUIRKS2,
		KVM_X86_QUIRK_LINT0_REENABLED | KVM_X86_QUIRK_CD_NW_CLEARED |
			KVM_X86_QUIRK_LAPIC_MMIO_HOLE | KVM_X86_QUIRK_OUT_7E_INC_RIP |
			KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | KVM_X86_QUIRK_FIX_HYPERCALL_INSN |
			KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS);
	uint64_t pmu = cap_bits(vm, KVM_CAP_PMU_CAPABILITY, KVM_PMU_CAP_DISABLE);
	int ret;

	/* Local APICs in KVM; an IOAPIC would be ours to make, and there is none. */
	*ret_what = "KVM_CAP_SPLIT_IRQCHIP";
	ret = enable_cap(vm, KVM_CAP_SPLIT_IRQCHIP, 0);
	*ret_what = ret ? *ret_what : "KVM_CAP_X2APIC_API";
	if (!ret && x2apic)
		ret = enable_cap(vm, KVM_CAP_X2APIC_API, x2apic);
	*ret_what = ret ? *ret_what : "KVM_CAP_DISABLE_QUIRKS2";
	if (!ret && quirks)
		ret = enable_cap(vm, KVM_CAP_DISABLE_QUIRKS2, quirks);
	*ret_what = ret ? *ret_what : "KVM_CAP_PMU_CAPABILITY";
	if (!ret && pmu)
		ret = enable_cap(vm, KVM_CAP_PMU_CAPABILITY, pmu);
	return ret ? ret : set_msr_filter(vm, ret_what);
}
