/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The processor's own virtualization: with "nested=1" it is there, and can be switched on as a
 * hypervisor does it (EFER.SVME and VMRUN's host page; VMXON's conditions); without, nothing shows.
 */
#include "../check.h"
#include "x86.h"

#define MSR_FEATURE_CONTROL 0x3A
#define MSR_VMX_BASIC       0x480
#define MSR_EFER            0xC0000080
#define MSR_VM_CR           0xC0010114
#define MSR_VM_HSAVE_PA     0xC0010117
#define EFER_SVME           (1u << 12)
#define VM_CR_SVMDIS        (1u << 4)

static volatile unsigned faults;

/* Steps over RDMSR and WRMSR, which are two bytes long. */
static void skip(struct trap_frame *f)
{
	faults = faults + 1;
	f->rip += 2;
}

/* True when the access raised #GP. */
static bool refused(uint32_t msr, uint64_t *ret_value)
{
	unsigned before = faults;
	uint64_t v = rdmsr(msr);

	if (faults == before && ret_value)
		*ret_value = v;
	return faults != before;
}

static bool set_svme(void)
{
	unsigned before = faults;

	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	return faults == before && rdmsr(MSR_EFER) & EFER_SVME;
}

static uint8_t host_area[4096] __attribute__((aligned(4096)));

static void check_svm(void)
{
	uint64_t vm_cr = VM_CR_SVMDIS;

	check(cpuid(0x8000000A, 0).eax != 0, "SVM revision %u, %u ASIDs", cpuid(0x8000000A, 0).eax,
		cpuid(0x8000000A, 0).ebx);
	check(!refused(MSR_VM_CR, &vm_cr) && !(vm_cr & VM_CR_SVMDIS), "VM_CR: not disabled");
	check(set_svme(), "EFER.SVME can be set");
	wrmsr(MSR_VM_HSAVE_PA, (uintptr_t)host_area);
	check(faults == 0 && rdmsr(MSR_VM_HSAVE_PA) == (uintptr_t)host_area,
		"the host's save area is taken");
}

static void check_vmx(void)
{
	uint64_t control = 0, basic = 0;

	check(!refused(MSR_FEATURE_CONTROL, &control) && (control & 5) == 5,
		"IA32_FEATURE_CONTROL 0x%lx: locked, with VMX", control);
	check(!refused(MSR_VMX_BASIC, &basic) && (basic >> 32 & 0x1FFF) != 0,
		"IA32_VMX_BASIC 0x%lx", basic);
}

static void check_nothing(void)
{
	uint64_t control = 0;

	check(!(cpuid(1, 0).ecx >> 5 & 1), "no VMX");
	check(!(cpuid(0x80000001, 0).ecx >> 2 & 1), "no SVM");
	check(cpuid(0x80000000, 0).eax < 0x8000000A || cpuid(0x8000000A, 0).eax == 0,
		"no revision of SVM");
	check(!set_svme(), "EFER.SVME cannot be set");
	check(refused(MSR_FEATURE_CONTROL, &control) || !(control & 4),
		"IA32_FEATURE_CONTROL has no VMX");
}

int guest_main(void)
{
	bool vmx = cpuid(1, 0).ecx >> 5 & 1, svm = cpuid(0x80000001, 0).ecx >> 2 & 1;

	trap_set(VECTOR_GP, skip);
	if (!cmdline_number("nested", 0)) {
		check_nothing();
		return checks_failed();
	}
	check(vmx || svm, "CPUID shows %s", vmx ? "VMX" : svm ? "SVM" : "neither VMX nor SVM");
	if (svm)
		check_svm();
	else if (vmx)
		check_vmx();
	return checks_failed();
}
