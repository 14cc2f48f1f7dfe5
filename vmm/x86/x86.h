/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of vmm/x86/. */
#ifndef VMM_X86_X86_H
#define VMM_X86_X86_H

#include "vmm/vcpu.h"

#include <linux/kvm.h>

/* Entries that KVM_GET_SUPPORTED_CPUID may give; KVM's own limit is below this. */
#define CPUID_ENTRIES_MAX 256

/* What KVM supports, with the parts that are the same for every vCPU set. */
struct kvm_cpuid2 *cpuid_create(struct vm *vm, struct arch_host *host);

/* Gives the vCPU its CPUID: the VM's with this vCPU's APIC id and topology. */
int cpuid_set(struct vcpu *vcpu, const char **ret_what);

/* Which virtualization of its own CPUID shows a processor to have (nested.c). */
enum nesting { NESTING_NONE, NESTING_VMX, NESTING_SVM };
enum nesting nesting_of(const struct kvm_cpuid2 *cpuid);

/* What firmware does for a guest that is to use it. */
int nested_vcpu_init(struct vcpu *vcpu, const char **ret_what);

/*
 * The fusa contract (fusa.c): what takes the place of the PC's interrupt controllers and PIT; the
 * changes to the VM's CPUID, and to one vCPU's.
 */
int fusa_vm_create(struct vm *vm, const char **ret_what);
void fusa_cpuid_apply(struct kvm_cpuid2 *cpuid, const struct machine *m);
void fusa_cpuid_patch_vcpu(struct kvm_cpuid_entry2 *e, const struct vcpu *vcpu);

#endif
