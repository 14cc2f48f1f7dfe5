/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/look.h"

#include "vmm/vcpu.h"

void vm_look(struct vm *vm, struct vcpu_look *looks)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		/* One may not have come since the last time. */
		if (vm_looked(vm, i) != LOOK_DONE)
			continue;
		vcpu->look = &looks[i];
		vcpu_kick(vcpu, VCPU_LOOK);
	}
	vm_wake_gate(vm);
}

enum look_answer vm_looked(const struct vm *vm, unsigned index)
{
	unsigned wanted = atomic_load(&vm->vcpus[index].wanted);

	if (wanted & VCPU_DEAD)
		return LOOK_DEAD;
	/* With the bit, the vCPU's thread gives back what it has written. */
	return wanted & VCPU_LOOK ? LOOK_PENDING : LOOK_DONE;
}

void vcpu_take_look(struct vcpu *vcpu)
{
	struct vcpu_look *look = vcpu->look;
	FILE *f = fmemopen(look->registers, sizeof(look->registers), "w");

	*look->registers = '\0';
	*look->mode = '\0';
	look->state = LOOK_UNKNOWN;
	look->exits = vcpu_exits(vcpu);
	arch_vcpu_look(vcpu, look);
	if (f) {
		vcpu_describe(vcpu, f);
		fclose(f);
	}
	atomic_fetch_and(&vcpu->wanted, ~(unsigned)VCPU_LOOK);
}
