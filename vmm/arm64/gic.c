/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * KVM's interrupt controllers: GICv3, with an ITS for message-signalled interrupts, or GICv2
 * [Linux Documentation/virt/kvm/devices/arm-vgic*.rst].
 */
#include "lib/util.h"
#include "vmm/arm64/arm64.h"
#include "vmm/layout_arm64.h"

#include <assert.h>
#include <errno.h>
#include <sys/ioctl.h>

static int device_create(const struct vm *vm, uint32_t type, int *ret_fd)
{
	struct kvm_create_device device = {.type = type};

	if (ioctl(vm->fd, KVM_CREATE_DEVICE, &device))
		return -errno;
	*ret_fd = (int)device.fd;
	return 0;
}

static int device_set(int fd, uint32_t group, uint64_t attr, const void *value)
{
	struct kvm_device_attr a = {.group = group, .attr = attr, .addr = (uintptr_t)value};

	return ioctl(fd, KVM_SET_DEVICE_ATTR, &a) ? -errno : 0;
}

static int set_address(int fd, uint64_t type, uint64_t address)
{
	return device_set(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, type, &address);
}

bool gic_offered(int vm_fd, uint32_t type)
{
	struct kvm_create_device device = {.type = type, .flags = KVM_CREATE_DEVICE_TEST};

	return !ioctl(vm_fd, KVM_CREATE_DEVICE, &device);
}

static int create_v2(struct vm *vm, const char **ret_what)
{
	int ret;

	*ret_what = "KVM_CREATE_DEVICE (GICv2)";
	ret = device_create(vm, KVM_DEV_TYPE_ARM_VGIC_V2, &vm->arch.gic_fd);
	if (ret)
		return ret;
	*ret_what = "the GICv2's addresses";
	ret = set_address(vm->arch.gic_fd, KVM_VGIC_V2_ADDR_TYPE_DIST, ARM64_GICD_BASE);
	if (!ret)
		ret = set_address(vm->arch.gic_fd, KVM_VGIC_V2_ADDR_TYPE_CPU, ARM64_GICC_BASE);
	return ret;
}

static int create_v3(struct vm *vm, const char **ret_what)
{
	int ret;

	*ret_what = "KVM_CREATE_DEVICE (GICv3)";
	ret = device_create(vm, KVM_DEV_TYPE_ARM_VGIC_V3, &vm->arch.gic_fd);
	if (ret)
		return ret;
	*ret_what = "the GICv3's addresses";
	ret = set_address(vm->arch.gic_fd, KVM_VGIC_V3_ADDR_TYPE_DIST, ARM64_GICD_BASE);
	/* One region, in which KVM puts the redistributors of all vCPUs one after the other. */
	if (!ret)
		ret = set_address(vm->arch.gic_fd, KVM_VGIC_V3_ADDR_TYPE_REDIST, ARM64_GICR_BASE);
	if (ret || vm->machine->arm64.its != MACHINE_ON)
		return ret;
	*ret_what = "KVM_CREATE_DEVICE (ITS)";
	ret = device_create(vm, KVM_DEV_TYPE_ARM_VGIC_ITS, &vm->arch.its_fd);
	if (ret)
		return ret;
	*ret_what = "the ITS's address";
	return set_address(vm->arch.its_fd, KVM_VGIC_ITS_ADDR_TYPE, ARM64_ITS_BASE);
}

int gic_create(struct vm *vm, const char **ret_what)
{
	return vm->machine->arm64.gic == MACHINE_GIC_V2 ? create_v2(vm, ret_what)
							: create_v3(vm, ret_what);
}

int gic_finish(struct vm *vm, const char **ret_what)
{
	const uint32_t interrupts = ARM64_PRIVATE_INTERRUPTS + ARM64_SPIS;
	int ret;

	*ret_what = "the GIC's number of interrupts";
	ret = device_set(vm->arch.gic_fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &interrupts);
	if (ret)
		return ret;
	*ret_what = "initialising the GIC";
	ret = device_set(
		vm->arch.gic_fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	if (ret || vm->arch.its_fd < 0)
		return ret;
	*ret_what = "initialising the ITS";
	return device_set(
		vm->arch.its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

void gic_destroy(struct vm *vm)
{
	fd_close(&vm->arch.its_fd);
	fd_close(&vm->arch.gic_fd);
}

void arch_pit_set(struct vm *vm, bool connected)
{
	(void)vm;
	(void)connected;
}

void arch_irq_set(struct vm *vm, uint32_t gsi, bool asserted)
{
	struct kvm_irq_level line = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT |
		       (ARM64_PRIVATE_INTERRUPTS + gsi),
		.level = asserted,
	};

	/* Cannot fail: the GIC is complete, and GSIs are the machine's own constants. */
	ioctl(vm->fd, KVM_IRQ_LINE, &line);
}

/* As KVM has them by default: a line's GSI is its SPI number. */
uint32_t arch_irq_routes(struct kvm_irq_routing_entry *routes)
{
	static_assert(ARCH_ROUTES_MAX == ARM64_SPIS && ARCH_MSI_GSI == ARM64_SPIS, "one per SPI");

	for (uint32_t spi = 0; spi < ARM64_SPIS; spi++) {
		routes[spi] = (struct kvm_irq_routing_entry){
			.gsi = spi,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip.pin = spi,
		};
	}
	return ARM64_SPIS;
}

/*
 * Writes to GITS_TRANSLATER, from which the ITS takes the device's number, too [IHI 0069 5.1.2], or
 * of an SPI's number to a GICv2m frame (devices/gicv2m.c).
 */
bool arch_msi_is_interrupt(const struct vm *vm, const struct machine_msi_message *msg)
{
	if (vm->machine->arm64.its == MACHINE_ON)
		return msg->address == ARM64_ITS_TRANSLATER;
	return msg->address == ARM64_V2M_SETSPI &&
	       msg->data >= ARM64_PRIVATE_INTERRUPTS + ARM64_V2M_SPI &&
	       msg->data < ARM64_PRIVATE_INTERRUPTS + ARM64_V2M_SPI + ARM64_V2M_SPIS;
}

void arch_msi_route(const struct machine_msi_message *msg, struct kvm_irq_routing_entry *route)
{
	if (msg->address == ARM64_V2M_SETSPI) {
		route->type = KVM_IRQ_ROUTING_IRQCHIP;
		route->u.irqchip.pin = msg->data - ARM64_PRIVATE_INTERRUPTS;
		return;
	}
	route->type = KVM_IRQ_ROUTING_MSI;
	route->flags = KVM_MSI_VALID_DEVID;
	route->u.msi.address_lo = (uint32_t)msg->address;
	route->u.msi.address_hi = (uint32_t)(msg->address >> 32);
	route->u.msi.data = msg->data;
	route->u.msi.devid = msg->device_id;
}
