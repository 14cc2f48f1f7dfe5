/* SPDX-License-Identifier: BSD-3-Clause */
/* The arm64 VM: what the host's KVM gives a machine, the hypercalls, and the guest's clock. */
#include "lib/util.h"
#include "vmm/arm64/arm64.h"
#include "vmm/layout_arm64.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

const enum guest_arch arch_guest = GUEST_ARM64;

const int arch_required_caps[] = {
	KVM_CAP_USER_MEMORY,
	KVM_CAP_IMMEDIATE_EXIT,
	KVM_CAP_IRQCHIP,
	KVM_CAP_DEVICE_CTRL,
	KVM_CAP_ONE_REG,
	KVM_CAP_ARM_PSCI_0_2,
	KVM_CAP_MP_STATE,
	-1,
};

struct arch_host {
	bool nisv, suspend, counter_offset;
};

static bool has_cap(int fd, int cap)
{
	return ioctl(fd, KVM_CHECK_EXTENSION, cap) > 0;
}

struct arch_host *arch_host_ask(int kvm_fd)
{
	struct arch_host *host = malloc(sizeof(*host));

	if (host)
		*host = (struct arch_host){
			.nisv = has_cap(kvm_fd, KVM_CAP_ARM_NISV_TO_USER),
			.suspend = has_cap(kvm_fd, KVM_CAP_ARM_SYSTEM_SUSPEND),
			.counter_offset = has_cap(kvm_fd, KVM_CAP_COUNTER_OFFSET),
		};
	return host;
}

void arch_host_free(struct arch_host *host)
{
	free(host);
}

/* ---- what the machine is ---- */

/*
 * Guest-physical addresses of 40 bits, as KVM has them by default, hold all of the machine. Some
 * hosts have fewer.
 */
static unsigned ipa_bits(int kvm_fd)
{
	enum { DEFAULT = 40 };
	int limit = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);

	return limit > 0 && limit < DEFAULT ? (unsigned)limit : DEFAULT;
}

unsigned long arch_vm_type(int kvm_fd)
{
	/* Kernels without the capability take nothing but 0, which is 40 bits. */
	return has_cap(kvm_fd, KVM_CAP_ARM_VM_IPA_SIZE) ? KVM_VM_TYPE_ARM_IPA_SIZE(ipa_bits(kvm_fd))
							: 0;
}

/* A decision about a machine in progress. */
struct choice {
	int kvm_fd, vm_fd;
	struct machine *m;
	struct arch_refusal *refusal;
};

static int refuse(struct choice *c, const char *key, const char *why)
{
	c->refusal->key = key;
	snprintf(c->refusal->why, sizeof(c->refusal->why), "%s", why);
	return -EOPNOTSUPP;
}

/* A feature that is there or not; WHY it cannot be, if the plan insists. */
static int choose_feature(
	struct choice *c, enum machine_wish *wish, bool offered, const char *key, const char *why)
{
	if (*wish == MACHINE_ON && !offered)
		return refuse(c, key, why);
	if (*wish == MACHINE_AUTO)
		*wish = offered ? MACHINE_ON : MACHINE_OFF;
	return 0;
}

static int choose_memory(struct choice *c)
{
	const struct machine_range *last = &c->m->ranges[c->m->range_count - 1];
	unsigned bits = ipa_bits(c->kvm_fd);

	if (last->base + last->size <= (uint64_t)1 << bits)
		return 0;
	snprintf(c->refusal->why, sizeof(c->refusal->why),
		"this host's guests have addresses of %u bits, and their memory starts at 1 GiB; "
		"give it less memory",
		bits);
	c->refusal->key = "memory";
	return -EOPNOTSUPP;
}

static int choose_gic(struct choice *c)
{
	struct machine_arm64 *a = &c->m->arm64;
	bool v2 = gic_offered(c->vm_fd, KVM_DEV_TYPE_ARM_VGIC_V2);
	bool v3 = gic_offered(c->vm_fd, KVM_DEV_TYPE_ARM_VGIC_V3);

	if (!v2 && !v3)
		return refuse(c, "arm64.gic",
			"this host's KVM has neither GICv3 nor GICv2; `bulkhead doctor` says more");
	if (a->gic == MACHINE_GIC_V3 && !v3)
		return refuse(c, "arm64.gic", "this host's KVM has GICv2 only; say v2, or auto");
	if (a->gic == MACHINE_GIC_V2 && !v2)
		return refuse(c, "arm64.gic", "this host's KVM has GICv3 only; say v3, or auto");
	if (a->gic == MACHINE_GIC_AUTO)
		a->gic = v3 ? MACHINE_GIC_V3 : MACHINE_GIC_V2;
	if (a->gic == MACHINE_GIC_V2 && c->m->vcpus > ARM64_GICV2_CPUS)
		return refuse(c, "cpus", "a GICv2 has 8 vCPUs at most, and no GICv3 is to be had");
	return choose_feature(c, &a->its,
		a->gic == MACHINE_GIC_V3 && gic_offered(c->vm_fd, KVM_DEV_TYPE_ARM_VGIC_ITS),
		"arm64.its", "this host's KVM has no ITS for this GIC; say off, or auto");
}

static int choose_psci(struct choice *c)
{
	uint32_t newest, *psci = &c->m->arm64.psci;
	int ret = psci_newest(c->vm_fd, &newest);

	if (ret)
		return ret;
	if (!*psci)
		*psci = newest;
	if (*psci <= newest)
		return 0;
	snprintf(c->refusal->why, sizeof(c->refusal->why),
		"this host's KVM has PSCI up to %u.%u; say that, or auto", newest >> 16,
		newest & 0xFFFF);
	c->refusal->key = "arm64.psci";
	return -EOPNOTSUPP;
}

static int choose_features(struct choice *c)
{
	struct machine_arm64 *a = &c->m->arm64;
	int ret;

	ret = choose_feature(c, &a->pmu, has_cap(c->kvm_fd, KVM_CAP_ARM_PMU_V3), "arm64.pmu",
		"this host's KVM has no PMU for its guests; say off, or auto");
	if (!ret)
		ret = choose_feature(c, &a->sve, has_cap(c->kvm_fd, KVM_CAP_ARM_SVE), "arm64.sve",
			"this host's processor or KVM has no SVE; say off, or auto");
	if (!ret)
		ret = choose_feature(c, &a->pauth,
			has_cap(c->kvm_fd, KVM_CAP_ARM_PTRAUTH_ADDRESS) &&
				has_cap(c->kvm_fd, KVM_CAP_ARM_PTRAUTH_GENERIC),
			"arm64.pauth",
			"this host's processor or KVM has no pointer authentication; say off, or auto");
	if (!ret && c->m->nested && !has_cap(c->kvm_fd, KVM_CAP_ARM_EL2))
		ret = refuse(c, "nested",
			"this host's KVM offers its guests no EL2: that takes Linux 6.16 or newer, a "
			"processor with FEAT_NV2 and kvm-arm.mode=nested; say false");
	return ret;
}

int arch_machine_choose(int kvm_fd, struct machine *m, struct arch_refusal *ret_refusal)
{
	struct choice c = {.kvm_fd = kvm_fd, .m = m, .refusal = ret_refusal};
	int ret;

	c.vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, arch_vm_type(kvm_fd));
	if (c.vm_fd < 0)
		return -errno;
	ret = choose_memory(&c);
	if (!ret)
		ret = choose_gic(&c);
	if (!ret)
		ret = choose_features(&c);
	if (!ret)
		ret = choose_psci(&c);
	fd_close(&c.vm_fd);
	return ret;
}

/* ---- the VM ---- */

/* Calls of the vendor-specific hypervisor services, in either convention [SMCCC 1.5 2.5]. */
#define CALL_SMC32 0x86000000
#define CALL_SMC64 0xC6000000

/*
 * Has KVM pass on the hypercalls that devices answer, which it would refuse itself. Kernels before
 * 6.4 cannot; a guest there has the control page.
 */
static int forward_calls(struct vm *vm, const char **ret_what)
{
	const struct machine *m = vm->machine;
	struct kvm_smccc_filter filter = {.action = KVM_SMCCC_FILTER_FWD_TO_USER};
	struct kvm_device_attr attr = {
		.group = KVM_ARM_VM_SMCCC_CTRL,
		.attr = KVM_ARM_VM_SMCCC_FILTER,
		.addr = (uintptr_t)&filter,
	};

	*ret_what = "the SMCCC filter";
	if (ioctl(vm->fd, KVM_HAS_DEVICE_ATTR, &attr))
		return 0;
	for (unsigned i = 0; i < m->window_count; i++) {
		const struct machine_window *w = &m->windows[i];

		if (w->space != WINDOW_CALL)
			continue;
		filter.nr_functions = (uint32_t)w->size;
		filter.base = CALL_SMC32 + (uint32_t)w->base;
		if (ioctl(vm->fd, KVM_SET_DEVICE_ATTR, &attr))
			return -errno;
		filter.base = CALL_SMC64 + (uint32_t)w->base;
		if (ioctl(vm->fd, KVM_SET_DEVICE_ATTR, &attr))
			return -errno;
	}
	return 0;
}

static int enable_cap(struct vm *vm, uint32_t cap)
{
	struct kvm_enable_cap enable = {.cap = cap};

	return ioctl(vm->fd, KVM_ENABLE_CAP, &enable) ? -errno : 0;
}

int arch_vm_create(struct vm *vm, struct arch_host *host, const char **ret_what)
{
	AUTO_FREE struct arch_host *h = host;
	int ret = 0;

	vm->arch = (struct arch_vm){
		.gic_fd = -1, .its_fd = -1, .held = true, .counter_offset = h->counter_offset};
	*ret_what = "KVM_CAP_ARM_NISV_TO_USER";
	if (h->nisv)
		ret = enable_cap(vm, KVM_CAP_ARM_NISV_TO_USER);
	if (!ret && h->suspend) {
		*ret_what = "KVM_CAP_ARM_SYSTEM_SUSPEND";
		ret = enable_cap(vm, KVM_CAP_ARM_SYSTEM_SUSPEND);
	}
	if (!ret)
		ret = forward_calls(vm, ret_what);
	return ret ? ret : gic_create(vm, ret_what);
}

int arch_vm_finish(struct vm *vm, const char **ret_what)
{
	int ret = gic_finish(vm, ret_what);

	for (unsigned i = 0; !ret && i < vm->vcpu_count; i++)
		ret = vcpu_finish_pmu(&vm->vcpus[i], ret_what);
	return ret;
}

void arch_vm_destroy(struct vm *vm)
{
	gic_destroy(vm);
}

/* ---- the counter ---- */

static uint64_t host_counter(void)
{
	uint64_t count;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count)::"memory");
	return count;
}

/*
 * The guest's time does not pass while it is paused: neither its timers nor its watchdogs notice.
 * All its vCPUs have the same counter.
 */
void arch_vm_paused(struct vm *vm)
{
	if (vm->arch.held || reg_get_u64(&vm->vcpus[0], KVM_REG_ARM_TIMER_CNT, &vm->arch.counter))
		return;
	vm->arch.held = true;
}

void arch_vm_resumed(struct vm *vm)
{
	struct kvm_arm_counter_offset offset;

	if (!vm->arch.held)
		return;
	vm->arch.held = false;
	/* With the offset, the physical counter is the guest's own, too. */
	offset = (struct kvm_arm_counter_offset){
		.counter_offset = host_counter() - vm->arch.counter};
	if (vm->arch.counter_offset && !ioctl(vm->fd, KVM_ARM_SET_COUNTER_OFFSET, &offset))
		return;
	reg_set_u64(&vm->vcpus[0], KVM_REG_ARM_TIMER_CNT, vm->arch.counter);
}
