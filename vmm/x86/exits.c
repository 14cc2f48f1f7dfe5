/* SPDX-License-Identifier: BSD-3-Clause */
/* The x86 exit table, and port I/O. */
#include "lib/util.h"
#include "vmm/x86/x86.h"

#include <string.h>

/* An access that is over. False: so is the exit, by a violation that is not ignored. */
static bool exit_io_done(struct vcpu *vcpu, uint64_t value, bool claimed)
{
	const struct kvm_run *run = vcpu->run;
	const struct vm_access access = {.space = WINDOW_PORT,
		.address = run->io.port,
		.size = run->io.size,
		.write = run->io.direction == KVM_EXIT_IO_OUT,
		.value = value};

	history_add(&vcpu->history, &access, claimed);
	return claimed || vcpu_violation(vcpu, &access);
}

static bool exit_out(struct vcpu *vcpu, const uint8_t *data)
{
	const struct kvm_run *run = vcpu->run;
	uint64_t value = 0;

	memcpy(&value, data, run->io.size);
	return exit_io_done(vcpu, value,
		machine_write(vcpu->vm->machine, WINDOW_PORT, run->io.port, run->io.size, value));
}

static bool exit_in(struct vcpu *vcpu, uint8_t *data)
{
	const struct kvm_run *run = vcpu->run;
	uint64_t value;
	bool claimed =
		machine_read(vcpu->vm->machine, WINDOW_PORT, run->io.port, run->io.size, &value);

	memcpy(data, &value, run->io.size);
	return exit_io_done(vcpu, value, claimed);
}

/*
 * IN, OUT and their string forms. KVM puts the operands of one exit behind struct kvm_run: `count`
 * of them, `size` bytes each; more of a string come with the next exit.
 */
static void exit_io(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	uint8_t *data = (uint8_t *)vcpu->run + run->io.data_offset;
	bool out = run->io.direction == KVM_EXIT_IO_OUT, go_on = true;

	for (uint32_t i = 0; i < run->io.count && go_on; i++, data += run->io.size)
		go_on = out ? exit_out(vcpu, data) : exit_in(vcpu, data);
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
