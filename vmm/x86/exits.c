/* SPDX-License-Identifier: BSD-3-Clause */
/* The x86 exit table, and port I/O. */
#include "lib/util.h"
#include "vmm/x86/x86.h"

#include <string.h>

/* As vcpu_violation; VALUE is what is written, if something is. */
static bool exit_io_unclaimed(struct vcpu *vcpu, uint64_t value)
{
	const struct kvm_run *run = vcpu->run;

	counter_add(&vcpu->counters.unclaimed_port);
	return vcpu_violation(vcpu, &(struct vm_access){.space = WINDOW_PORT,
					    .address = run->io.port,
					    .size = run->io.size,
					    .write = run->io.direction == KVM_EXIT_IO_OUT,
					    .value = value});
}

/*
 * IN, OUT and their string forms. KVM puts the operands of one exit behind struct kvm_run: `count`
 * of them, `size` bytes each; more of a string come with the next exit.
 */
static void exit_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	const struct machine *m = vcpu->vm->machine;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	unsigned size = run->io.size;

	for (uint32_t i = 0; i < run->io.count; i++, data += size) {
		uint64_t value = 0;
		bool claimed;

		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&value, data, size);
			claimed = machine_write(m, WINDOW_PORT, run->io.port, size, value);
		} else {
			claimed = machine_read(m, WINDOW_PORT, run->io.port, size, &value);
			memcpy(data, &value, size);
		}
		if (!claimed && !exit_io_unclaimed(vcpu, value))
			return;
	}
}

const struct vcpu_exit arch_exits[VCPU_EXITS_MAX] = {
	[KVM_EXIT_IO] = {"port", exit_io},
	[KVM_EXIT_MMIO] = {"mmio", vcpu_exit_mmio},
	[KVM_EXIT_INTR] = {"signal", vcpu_exit_intr},
	[KVM_EXIT_SHUTDOWN] = {"shutdown", vcpu_exit_shutdown},
	[KVM_EXIT_FAIL_ENTRY] = {"fail-entry", vcpu_exit_fail_entry},
	[KVM_EXIT_INTERNAL_ERROR] = {"internal-error", vcpu_exit_internal_error},
	[KVM_EXIT_SYSTEM_EVENT] = {"system-event", vcpu_exit_system_event},
};
