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

/* What a BIOS leaves: lines 0 to 7 at vector 8, 8 to 15 at 0x70, and the clock ticks. */
#define BIOS_MASTER_VECTOR 0x08
#define BIOS_SLAVE_VECTOR  0x70
/*
 * Keyboard, slave and real-time clock are unmasked. The timer's line is not, which a BIOS would
 * leave so, too: a kernel that knows of no PICs would take its tick for a double fault.
 */
#define BIOS_MASTER_MASK 0xF9
#define BIOS_SLAVE_MASK  0xFE
#define ELCR_MASTER      0xF8 /* lines that the ELCR can make level-triggered */
#define ELCR_SLAVE       0xDE

static int set_pic(struct vm *vm, uint32_t id, const struct kvm_pic_state *state)
{
	struct kvm_irqchip chip = {.chip_id = id, .chip.pic = *state};

	return ioctl(vm->fd, KVM_SET_IRQCHIP, &chip) ? -errno : 0;
}

static int set_bios_pic(struct vm *vm, const char **ret_what)
{
	const struct kvm_pic_state master = {.irq_base = BIOS_MASTER_VECTOR,
		.imr = BIOS_MASTER_MASK,
		.init4 = 1,
		.elcr_mask = ELCR_MASTER};
	const struct kvm_pic_state slave = {.irq_base = BIOS_SLAVE_VECTOR,
		.imr = BIOS_SLAVE_MASK,
		.init4 = 1,
		.elcr_mask = ELCR_SLAVE};
	struct kvm_pit_state2 pit;
	int ret;

	*ret_what = "KVM_SET_IRQCHIP";
	ret = set_pic(vm, KVM_IRQCHIP_PIC_MASTER, &master);
	if (!ret)
		ret = set_pic(vm, KVM_IRQCHIP_PIC_SLAVE, &slave);
	if (ret)
		return ret;
	*ret_what = "KVM_GET_PIT2";
	if (ioctl(vm->fd, KVM_GET_PIT2, &pit))
		return -errno;
	/* Channel 0 counts from 65536, 18.2 times a second: a rate generator, low byte first. */
	pit.channels[0].count = 0x10000;
	pit.channels[0].mode = 2;
	pit.channels[0].rw_mode = 3;
	pit.channels[0].gate = 1;
	*ret_what = "KVM_SET_PIT2";
	return ioctl(vm->fd, KVM_SET_PIT2, &pit) ? -errno : 0;
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
	if (vm->machine->bios_pic) {
		int ret = set_bios_pic(vm, ret_what);

		if (ret)
			return ret;
	}
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

/* The HPET's callers have a lock of their own: nobody comes between. */
void arch_pit_set(struct vm *vm, bool connected)
{
	struct kvm_pit_state2 pit;

	if (ioctl(vm->fd, KVM_GET_PIT2, &pit))
		return;
	pit.flags &= ~(__u32)KVM_PIT_FLAGS_HPET_LEGACY;
	pit.flags |= connected ? 0 : KVM_PIT_FLAGS_HPET_LEGACY;
	ioctl(vm->fd, KVM_SET_PIT2, &pit);
}

void arch_irq_set(struct vm *vm, uint32_t gsi, bool asserted)
{
	struct kvm_irq_level line = {.irq = gsi, .level = asserted};

	if (machine_is_fusa(vm->machine))
		return; /* a serial port has its line, but nobody listens */
	/* Cannot fail: the irqchip exists, and GSIs are the machine's own constants. */
	ioctl(vm->fd, KVM_IRQ_LINE, &line);
}
