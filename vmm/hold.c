/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/hold.h"

#include "lib/util.h"
#include "vmm/arch.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

void kvm_hold(const char *device)
{
	AUTO_CLOSE int kvm = open(device, O_RDWR | O_CLOEXEC);

	for (int irqchip = 0; kvm >= 0 && irqchip < 2; irqchip++) {
		int vm = ioctl(kvm, KVM_CREATE_VM, arch_vm_type(kvm));

		/* The descriptors are never closed. */
		if (vm >= 0 && (!irqchip || ioctl(vm, KVM_CREATE_IRQCHIP, 0) == 0))
			(void)!ioctl(vm, KVM_CREATE_VCPU, 0);
	}
}
