/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/irq.h"

#include "lib/event.h"
#include "lib/util.h"
#include "vmm/vm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

int irqs_init(struct vm *vm)
{
	struct vm_irqs *irqs = &vm->irqs;

	pthread_mutex_init(&irqs->lock, NULL);
	irqs->routing =
		calloc(1, sizeof(*irqs->routing) + (ARCH_ROUTES_MAX + MACHINE_MSIS_MAX) *
							   sizeof(irqs->routing->entries[0]));
	if (!irqs->routing)
		return -ENOMEM;
	irqs->fixed = arch_irq_routes(irqs->routing->entries);
	return 0;
}

void irqs_fini(struct vm *vm)
{
	pthread_mutex_destroy(&vm->irqs.lock);
	free(vm->irqs.routing);
}

int irqs_set_fixed(struct vm *vm)
{
	vm->irqs.routing->nr = vm->irqs.fixed;
	return ioctl(vm->fd, KVM_SET_GSI_ROUTING, vm->irqs.routing) ? -errno : 0;
}

/* ---- MSIs ---- */

/* An MSI's GSI is a number that no line has: it is in the table alone. */
static uint32_t msi_gsi(unsigned index)
{
	return ARCH_MSI_GSI + index;
}

/* All routes into KVM's table. */
static int set_routes(struct vm *vm)
{
	struct vm_irqs *irqs = &vm->irqs;
	struct kvm_irq_routing *r = irqs->routing;

	r->nr = irqs->fixed;
	for (unsigned i = 0; i < vm->machine->msi_count; i++) {
		if (!irqs->msis[i].routed)
			continue;
		r->entries[r->nr] = (struct kvm_irq_routing_entry){.gsi = msi_gsi(i)};
		arch_msi_route(&irqs->msis[i].message, &r->entries[r->nr++]);
	}
	return ioctl(vm->fd, KVM_SET_GSI_ROUTING, r) ? -errno : 0;
}

static int set_irqfd(struct vm *vm, unsigned index, bool on)
{
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)vm->machine->msis[index].event_fd,
		.gsi = msi_gsi(index),
		.flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN,
	};

	return ioctl(vm->fd, KVM_IRQFD, &irqfd) ? -errno : 0;
}

static void mask(struct vm *vm, unsigned index)
{
	struct vm_msi *msi = &vm->irqs.msis[index];

	if (msi->on)
		set_irqfd(vm, index, false);
	msi->on = false;
}

static int unmask(struct vm *vm, unsigned index)
{
	struct vm_msi *msi = &vm->irqs.msis[index];
	int ret;

	if (msi->on)
		return 0;
	ret = set_irqfd(vm, index, true);
	if (ret)
		return ret;
	msi->on = true;
	/*
	 * KVM has now injected what was pending, but left it in the eventfd, where it would make
	 * the vector pending again when it is masked the next time. What is signalled from now on
	 * KVM takes out itself, at once.
	 */
	event_take(vm->machine->msis[index].event_fd);
	return 0;
}

static bool same_message(const struct machine_msi_message *a, const struct machine_msi_message *b)
{
	return a->address == b->address && a->data == b->data && a->device_id == b->device_id;
}

static int msi_send(struct vm *vm, unsigned index, const struct machine_msi_message *msg)
{
	struct vm_msi *msi = &vm->irqs.msis[index];
	int ret = 0;

	if (!arch_msi_is_interrupt(vm, msg))
		ret = -EINVAL; /* a write to somewhere else, which interrupts nobody */
	/* A guest masks and unmasks often, and mostly keeps the message: KVM has that already. */
	if (!ret && !(msi->routed && same_message(&msi->message, msg))) {
		msi->message = *msg;
		msi->routed = true;
		ret = set_routes(vm);
		if (ret)
			msi->routed = false;
	}
	if (!ret)
		ret = unmask(vm, index);
	if (ret)
		mask(vm, index);
	return ret;
}

int irqs_msi_set(void *ctx, unsigned index, const struct machine_msi_message *msg)
{
	struct vm *vm = ctx;
	int ret = 0;

	if (index >= vm->machine->msi_count)
		return -EINVAL;
	pthread_mutex_lock(&vm->irqs.lock);
	if (msg)
		ret = msi_send(vm, index, msg);
	else
		mask(vm, index);
	pthread_mutex_unlock(&vm->irqs.lock);
	return ret;
}

/* ---- doorbells ---- */

static int set_ioeventfd(
	struct vm *vm, unsigned index, const struct machine_doorbell_place *place, bool on)
{
	struct kvm_ioeventfd event = {
		.datamatch = place->data,
		.addr = place->address,
		.len = place->size,
		.fd = vm->machine->doorbells[index].event_fd,
		.flags = on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	if (place->space == WINDOW_PORT)
		event.flags |= KVM_IOEVENTFD_FLAG_PIO;
	if (place->has_data)
		event.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
	return ioctl(vm->fd, KVM_IOEVENTFD, &event) ? -errno : 0;
}

int irqs_doorbell_set(void *ctx, unsigned index, const struct machine_doorbell_place *place)
{
	struct vm *vm = ctx;
	struct vm_doorbell *bell;
	int ret = 0;

	if (index >= vm->machine->doorbell_count)
		return -EINVAL;
	bell = &vm->irqs.doorbells[index];
	pthread_mutex_lock(&vm->irqs.lock);
	if (bell->on)
		set_ioeventfd(vm, index, &bell->place, false);
	bell->on = false;
	if (place) {
		ret = set_ioeventfd(vm, index, place, true);
		bell->on = !ret;
		bell->place = *place;
	}
	pthread_mutex_unlock(&vm->irqs.lock);
	return ret;
}
