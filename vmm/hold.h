/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two VMs with one vCPU each, which never run, for as long as this process lives: one with an
 * interrupt controller, whose APIC software has not enabled, and one without.
 *
 * KVM patches branches of the kernel (static keys) when the first of each kind comes and the last
 * goes: whether there is a vCPU at all, one with a disabled APIC, one without an APIC. After such a
 * patch QEMU at times goes on with a stale translation of the breakpoint that stands there
 * meanwhile, and CPU after CPU takes it for ever: an emulated machine hangs, or a guest in it goes
 * astray. With these VMs there is nothing to patch.
 */
#ifndef VMM_HOLD_H
#define VMM_HOLD_H

/* Makes them, of the KVM behind DEVICE; what cannot be had is left out. */
void kvm_hold(const char *device);

#endif
