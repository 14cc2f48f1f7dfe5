// SPDX-License-Identifier: BSD-3-Clause
/*
 * Keeps two VMs with one vCPU each, which never run, as long as it lives: one with an interrupt
 * controller, whose APIC software has not enabled, and one without.
 *
 * KVM patches branches of the kernel (static keys) when the first of each kind comes and the last
 * goes: whether there is a vCPU at all, one with a disabled APIC, one without an APIC. After such a
 * patch QEMU at times goes on with a stale translation of the breakpoint that stands there
 * meanwhile, and CPU after CPU takes it for ever: the emulated machine hangs, or a guest in it goes
 * astray. With these VMs there is nothing to patch.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR);

	for (int irqchip = 0; irqchip < 2; irqchip++) {
		int vm = ioctl(kvm, KVM_CREATE_VM, 0);

		if (vm < 0 || (irqchip && ioctl(vm, KVM_CREATE_IRQCHIP, 0)) ||
			ioctl(vm, KVM_CREATE_VCPU, 0) < 0) {
			perror("hold-kvm");
			return 1;
		}
	}
	for (;;)
		pause();
}
