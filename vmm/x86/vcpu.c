/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The x86 vCPU: what firmware would have set before it hands over, and the entry state. Application
 * processors stay as INIT leaves them and wait for their SIPI in KVM.
 */
#include "lib/util.h"
#include "vmm/layout_x86.h"
#include "vmm/x86/x86.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define MSR_TSC           0x10
#define MSR_MISC_ENABLE   0x1A0
#define MSR_MTRR_DEF_TYPE 0x2FF

#define MISC_ENABLE_FAST_STRING  (1u << 0)
#define MISC_ENABLE_BTS_UNAVAIL  (1u << 11)
#define MISC_ENABLE_PEBS_UNAVAIL (1u << 12)
#define MTRR_DEF_TYPE_ENABLE     (1u << 11)
#define MTRR_TYPE_WRITE_BACK     6

#define LAPIC_SVR       0xF0
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_LVT_LINT1 0x360
#define SVR_ENABLED     (1u << 8)
#define SVR_VECTOR      0xFF
#define LVT_MODE_NMI    (4u << 8)
#define LVT_MODE_EXTINT (7u << 8)

#define CR0_PE (1u << 0)
#define CR0_ET (1u << 4)
#define CR0_NE (1u << 5)
#define CR0_NW (1u << 29)
#define CR0_CD (1u << 30)

#define APIC_BASE_X2APIC (1u << 10)

static int set_msrs(struct vcpu *vcpu, const char **ret_what)
{
	static const struct kvm_msr_entry entries[] = {
		/* The same value on all vCPUs makes KVM keep their TSCs in step. */
		{.index = MSR_TSC, .data = 0},
		/* All of memory write-back, as firmware leaves it where no device is in the way
		 * [SDM 3A 12.11]. */
		{.index = MSR_MTRR_DEF_TYPE, .data = MTRR_DEF_TYPE_ENABLE | MTRR_TYPE_WRITE_BACK},
		/* Firmware's bit, and KVM's own two: there is no debug store. Last, because AMD
		 * hosts may refuse it, which does no harm. */
		{.index = MSR_MISC_ENABLE,
			.data = MISC_ENABLE_FAST_STRING | MISC_ENABLE_BTS_UNAVAIL |
				MISC_ENABLE_PEBS_UNAVAIL},
	};
	AUTO_FREE struct kvm_msrs *msrs = calloc(1, sizeof(*msrs) + sizeof(entries));
	int done;

	*ret_what = "KVM_SET_MSRS";
	if (!msrs)
		return -ENOMEM;
	msrs->nmsrs = ARRAY_SIZE(entries);
	memcpy(msrs->entries, entries, sizeof(entries));
	done = ioctl(vcpu->fd, KVM_SET_MSRS, msrs);
	if (done < 0)
		return -errno;
	return done < 2 ? -EIO : 0;
}

static void lapic_write(struct kvm_lapic_state *lapic, unsigned reg, uint32_t value)
{
	memcpy(lapic->regs + reg, &value, sizeof(value));
}

/*
 * The local APIC as firmware leaves it in virtual wire mode: enabled, NMI on LINT1, and the PICs on
 * LINT0 of the boot processor [MP 1.4 3.6.2.2]. INIT resets those of the others; they are set all
 * the same, because it is by KVM_SET_LAPIC that KVM comes to deliver to a vCPU's APIC id.
 */
static int set_lapic(struct vcpu *vcpu, const char **ret_what)
{
	struct kvm_lapic_state lapic;

	*ret_what = "KVM_GET_LAPIC";
	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic))
		return -errno;
	lapic_write(&lapic, LAPIC_SVR, SVR_ENABLED | SVR_VECTOR);
	if (vcpu->index == 0)
		lapic_write(&lapic, LAPIC_LVT_LINT0, LVT_MODE_EXTINT);
	lapic_write(&lapic, LAPIC_LVT_LINT1, LVT_MODE_NMI);
	*ret_what = "KVM_SET_LAPIC";
	return ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic) ? -errno : 0;
}

/* The fusa contract's: as reset leaves it, but in x2APIC mode. INIT does not change the mode. */
static int set_x2apic(struct vcpu *vcpu, const char **ret_what)
{
	struct kvm_lapic_state lapic;
	struct kvm_sregs sregs;

	*ret_what = "KVM_GET_SREGS";
	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.apic_base |= APIC_BASE_X2APIC;
	*ret_what = "KVM_SET_SREGS";
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		return -errno;
	*ret_what = "KVM_GET_LAPIC";
	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic))
		return -errno;
	*ret_what = "KVM_SET_LAPIC";
	return ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic) ? -errno : 0;
}

int arch_vcpu_create(struct vcpu *vcpu, const char **ret_what)
{
	int ret = cpuid_set(vcpu, ret_what);

	if (!ret)
		ret = set_msrs(vcpu, ret_what);
	if (!ret)
		ret = nested_vcpu_init(vcpu, ret_what);
	if (!ret)
		ret = machine_is_fusa(vcpu->vm->machine) ? set_x2apic(vcpu, ret_what)
							 : set_lapic(vcpu, ret_what);
	return ret;
}

void arch_vcpu_destroy(struct vcpu *vcpu)
{
	(void)vcpu; /* KVM's state goes with the descriptor */
}

void arch_vcpu_resumed(struct vcpu *vcpu)
{
	/* Fails where the guest does not use that clock. */
	ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL, 0);
}

/* A flat 4 GiB segment of the given type [SDM 3A 3.4.5]. */
static struct kvm_segment flat_segment(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment){
		.base = 0,
		.limit = 0xFFFFFFFF,
		.selector = selector,
		.type = type,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
}

int arch_vcpu_enter(struct vcpu *vcpu, const struct entry_state *entry, const char **ret_what)
{
	struct kvm_regs regs = {
		.rip = entry->pc,
		.rflags = 2,
		.rax = entry->x86.eax,
		.rbx = entry->x86.ebx,
		.rsi = entry->x86.esi,
	};
	struct kvm_sregs sregs;
	struct kvm_segment data = flat_segment(entry->x86.ds, 0x3);

	*ret_what = "entry state";
	if (entry->mode != ENTRY_X86_PROTECTED)
		return -EINVAL;
	*ret_what = "KVM_GET_SREGS";
	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE;
	if (machine_is_fusa(vcpu->vm->machine))
		sregs.cr0 |= CR0_NW | CR0_CD;
	sregs.cs = flat_segment(entry->x86.cs, 0xB);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	if (machine_is_fusa(vcpu->vm->machine))
		sregs.fs.selector = sregs.gs.selector = 0; /* usable all the same */
	if (entry->x86.gdt) {
		sregs.gdt.base = entry->x86.gdt;
		sregs.gdt.limit = entry->x86.gdt_limit;
	}
	*ret_what = "KVM_SET_SREGS";
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		return -errno;
	*ret_what = "KVM_SET_REGS";
	return ioctl(vcpu->fd, KVM_SET_REGS, &regs) ? -errno : 0;
}
