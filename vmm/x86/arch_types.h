/* SPDX-License-Identifier: BSD-3-Clause */
/* What x86 embeds in the generic structs. The LAPICs, IOAPIC, PICs and the PIT are KVM's. */
#ifndef VMM_X86_ARCH_TYPES_H
#define VMM_X86_ARCH_TYPES_H

struct kvm_cpuid2;

struct arch_vm {
	struct kvm_cpuid2 *cpuid; /* what KVM supports; copied and patched per vCPU; owned */
};

struct arch_vcpu {
};

#endif
