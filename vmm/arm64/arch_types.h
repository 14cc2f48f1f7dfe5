/* SPDX-License-Identifier: BSD-3-Clause */
/* What arm64 embeds in the generic structs. GIC, ITS and timers are KVM's. */
#ifndef VMM_ARM64_ARCH_TYPES_H
#define VMM_ARM64_ARCH_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#define ARCH_ROUTES_MAX 224 /* ARM64_SPIS */
#define ARCH_MSI_GSI    224 /* behind the SPIs */

struct arch_vm {
	int gic_fd, its_fd; /* KVM devices; -1: none */
	/*
	 * What the counter of a guest that does not run will read next, and whether it does not:
	 * from the start on, and while it is paused.
	 */
	uint64_t counter;
	bool held;
	bool counter_offset; /* KVM_ARM_SET_COUNTER_OFFSET is there */
};

struct arch_vcpu {
	/* After PSCI's SYSTEM_SUSPEND, where the vCPU goes on, and with what in X0. */
	uint64_t resume_pc, resume_x0;
};

#endif
