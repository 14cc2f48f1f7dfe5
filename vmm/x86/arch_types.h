/* SPDX-License-Identifier: BSD-3-Clause */
/* What x86 embeds in the generic structs. The LAPICs, IOAPIC, PICs and the PIT are KVM's. */
#ifndef VMM_X86_ARCH_TYPES_H
#define VMM_X86_ARCH_TYPES_H

#include <stdbool.h>

struct kvm_cpuid2;

/* IOAPIC pins, and 15 PIC pins beside them, but not the IOAPIC's that the timer's line shares. */
#define ARCH_ROUTES_MAX 40
#define ARCH_MSI_GSI    24 /* behind the IOAPIC's pins */

struct arch_vm {
	struct kvm_cpuid2 *cpuid; /* what KVM supports; copied and patched per vCPU; owned */
	bool amd;                 /* the processor's vendor is AMD or Hygon */
};

struct arch_vcpu {
};

#endif
