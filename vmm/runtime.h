/* SPDX-License-Identifier: BSD-3-Clause */
/* What the machine layer needs of the kernel once its VM has been started (vm_start). */
#ifndef VMM_RUNTIME_H
#define VMM_RUNTIME_H

/*
 * The ioctls of KVM that are used from then on, 0 at the end; vmm/<arch>/runtime.c. The partition's
 * lock-down (partition/lockdown.c) forbids all others: one that is missing here ends the process.
 */
extern const unsigned arch_runtime_ioctls[];

/* The same for what an HPET takes beyond them. */
extern const unsigned arch_hpet_ioctls[];

#endif
