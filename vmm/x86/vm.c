/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The x86 VM: KVM's interrupt controllers (PICs, IOAPIC, a LAPIC per vCPU) and PIT, and what KVM
 * needs of the guest's address space for itself.
 */
#include "lib/util.h"
#include "vmm/layout_x86.h"
#include "vmm/x86/x86.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

const enum guest_arch arch_guest = GUEST_X86_64;

const int arch_required_caps[] = {
	KVM_CAP_USER_MEMORY,
	KVM_CAP_IMMEDIATE_EXIT,
	KVM_CAP_IRQCHIP,
	KVM_CAP_IRQ_ROUTING,
	KVM_CAP_PIT2,
	KVM_CAP_EXT_CPUID,
	KVM_CAP_MP_STATE,
	-1,
};

#define PIC_PINS    16
#define PIC_CASCADE 2
#define IOAPIC_PINS ARCH_MSI_GSI

static void add_route(struct kvm_irq_routing_entry **at, uint32_t gsi, uint32_t chip, uint32_t pin)
{
	*(*at)++ = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = {.irqchip = chip, .pin = pin},
	};
}

/*
 * Interrupt lines as a PC wires them: each to the PICs and to the IOAPIC pin of its number, but the
 * timer's (line 0) to pin 2, which the MADT's override tells the guest.
 */
uint32_t arch_irq_routes(struct kvm_irq_routing_entry *routes)
{
	struct kvm_irq_routing_entry *at = routes;

	for (uint32_t gsi = 0; gsi < IOAPIC_PINS; gsi++) {
		if (gsi < PIC_PINS && gsi != PIC_CASCADE)
			add_route(&at, gsi,
				gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, gsi % 8);
		if (gsi != X86_IRQ_TIMER_GSI)
			add_route(&at, gsi, KVM_IRQCHIP_IOAPIC,
				gsi == X86_IRQ_TIMER ? X86_IRQ_TIMER_GSI : gsi);
	}
	return (uint32_t)(at - routes);
}

/* Where a local APIC takes a write for a message [SDM 3A 11.11.1]. */
bool arch_msi_is_interrupt(const struct vm *vm, const struct machine_msi_message *msg)
{
	(void)vm;
	return msg->address >> 20 == X86_LAPIC_BASE >> 20;
}

void arch_msi_route(const struct machine_msi_message *msg, struct kvm_irq_routing_entry *route)
{
	route->type = KVM_IRQ_ROUTING_MSI;
	route->u.msi.address_lo = (uint32_t)msg->address;
	route->u.msi.address_hi = (uint32_t)(msg->address >> 32);
	route->u.msi.data = msg->data;
}

/* The standard machine's interrupt controllers and timer: a PC's. */
static int create_pc(struct vm *vm, const char **ret_what)
{
	/* The speaker bit of port 0x61 must answer although there is no speaker. */
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};

	*ret_what = "KVM_CREATE_IRQCHIP";
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return -errno;
	*ret_what = "KVM_CREATE_PIT2";
	if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit))
		return -errno;
	*ret_what = "KVM_SET_GSI_ROUTING";
	return irqs_set_fixed(vm);
}

unsigned long arch_vm_type(int kvm_fd)
{
	(void)kvm_fd;
	return 0;
}

/* The TSC goes on while the partition is paused; arch_vcpu_resumed tells who asks. */
void arch_vm_paused(struct vm *vm)
{
	(void)vm;
}

void arch_vm_resumed(struct vm *vm)
{
	(void)vm;
}

int arch_vm_create(struct vm *vm, struct arch_host *host, const char **ret_what)
{
	uint64_t identity_map = X86_KVM_IDENTITY_MAP;

	/* Before anything can fail: it is ours to free from here on. */
	vm->arch.cpuid = cpuid_create(vm, host);
	/* Only Intel hosts use these two, and only for real-mode code; no host refuses them. */
	*ret_what = "KVM_SET_IDENTITY_MAP_ADDR";
	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map))
		return -errno;
	*ret_what = "KVM_SET_TSS_ADDR";
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, X86_KVM_TSS))
		return -errno;
	return machine_is_fusa(vm->machine) ? fusa_vm_create(vm, ret_what)
					    : create_pc(vm, ret_what);
}

int arch_vm_finish(struct vm *vm, const char **ret_what)
{
	(void)vm;
	(void)ret_what;
	return 0;
}

void arch_vm_destroy(struct vm *vm)
{
	free(vm->arch.cpuid);
	vm->arch.cpuid = NULL;
}

void arch_irq_set(struct vm *vm, uint32_t gsi, bool asserted)
{
	struct kvm_irq_level line = {.irq = gsi, .level = asserted};

	if (machine_is_fusa(vm->machine))
		return; /* a serial port has its line, but nobody listens */
	/* Cannot fail: the irqchip exists, and GSIs are the machine's own constants. */
	ioctl(vm->fd, KVM_IRQ_LINE, &line);
}
