/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The architecture contract: all that generic code asks of vmm/x86/ or vmm/arm64/, resolved at link
 * time. Every function is called by the thread that builds the VM unless it says otherwise; 0 or a
 * negative errno, and on failure *RET_WHAT names the ioctl (static text).
 */
#ifndef VMM_ARCH_H
#define VMM_ARCH_H

#include "vmm/entry.h"
#include "vmm/machine.h"

#include <stdio.h>

struct vm;
struct vm_access;
struct vcpu;
struct space;
struct backtrace_start;
struct vcpu_look;
struct kvm_irq_routing_entry;

/*
 * struct arch_vm and struct arch_vcpu; ARCH_ROUTES_MAX, the most routes that arch_irq_routes gives;
 * ARCH_MSI_GSI, the first GSI that no line has. From vmm/<arch>/: the build sets the include path.
 */
#include "arch_types.h"

/* The guest architecture that this host's KVM runs. */
extern const enum guest_arch arch_guest;

/* KVM capabilities without which a partition cannot run, -1 at the end. */
extern const int arch_required_caps[];

/*
 * What KVM tells about itself, whatever the VM: the features that it supports. Any thread. NULL,
 * with errno, when it does not.
 */
struct arch_host *arch_host_ask(int kvm_fd);
void arch_host_free(struct arch_host *host);

/* What KVM_CREATE_VM takes: on arm64 the size of the guest-physical address space. Any thread. */
unsigned long arch_vm_type(int kvm_fd);

/* Why this host cannot give a machine what its plan wants. */
struct arch_refusal {
	const char *key; /* the partition's key in the plan: "arm64.gic" */
	char why[160];   /* and what to do */
};

/*
 * Turns what the plan leaves open of M (MACHINE_AUTO and its like) into what this host's KVM has.
 * Before the machine's tables are made. 0; -EOPNOTSUPP and *RET_REFUSAL; another negative errno
 * when KVM cannot be asked.
 */
int arch_machine_choose(int kvm_fd, struct machine *m, struct arch_refusal *ret_refusal);

/* Interrupt controllers, timers and whatever else belongs to the VM and comes before its vCPUs. */
int arch_vm_create(struct vm *vm, struct arch_host *host, const char **ret_what);
/* What comes after all its vCPUs. */
int arch_vm_finish(struct vm *vm, const char **ret_what);
/* Legal on a VM that arch_vm_create did not finish. */
void arch_vm_destroy(struct vm *vm);

/* CPUID or features, MSRs, local interrupt controller: everything but the entry state. */
int arch_vcpu_create(struct vcpu *vcpu, const char **ret_what);
void arch_vcpu_destroy(struct vcpu *vcpu);

/* Puts the boot vCPU into ENTRY; the others stay as reset leaves them. */
int arch_vcpu_enter(struct vcpu *vcpu, const struct entry_state *entry, const char **ret_what);

/* Drives the interrupt line GSI. Any thread. */
void arch_irq_set(struct vm *vm, uint32_t gsi, bool asserted);

/*
 * Whether the interval timer drives line 0 (machine_services.pit_set). Any thread. Nothing on
 * arm64.
 */
void arch_pit_set(struct vm *vm, bool connected);

/* The routes of the lines of a standard machine, into ROUTES; how many they are. */
uint32_t arch_irq_routes(struct kvm_irq_routing_entry *routes);

/* Whether MSG goes to where it is an interrupt. Any thread. */
bool arch_msi_is_interrupt(const struct vm *vm, const struct machine_msi_message *msg);

/* Makes ROUTE, whose GSI is set, the one that sends such a MSG. Any thread. */
void arch_msi_route(const struct machine_msi_message *msg, struct kvm_irq_routing_entry *route);

/*
 * For reports, on the vCPU's own thread, after an exit: the program counter (false when KVM does
 * not give it), and registers with the bytes at the program counter as text, each line ending in a
 * newline.
 */
bool arch_vcpu_pc(struct vcpu *vcpu, uint64_t *ret_pc);
void arch_vcpu_describe(struct vcpu *vcpu, FILE *f);

/*
 * The address space that the vCPU is in, on its own thread, or on any while it does not run. False
 * when KVM does not give its registers, or the guest may have tables between it and its memory.
 */
bool arch_vcpu_space(struct vcpu *vcpu, struct space *ret_space);

/*
 * From the same threads: where a backtrace in SPACE, which is the vCPU's, starts (false when KVM
 * does not give its registers); and, into F, its notes of an ELF core (vmm/core_note.h).
 */
bool arch_vcpu_backtrace(
	struct vcpu *vcpu, const struct space *space, struct backtrace_start *ret_start);
void arch_vcpu_core_notes(struct vcpu *vcpu, FILE *f);

/*
 * On the vCPU's own thread, outside the guest: what it is at, but for exits and registers. What KVM
 * does not give stays as it is.
 */
void arch_vcpu_look(struct vcpu *vcpu, struct vcpu_look *look);

/*
 * On the vCPU's own thread, while the exit for ACCESS is handled: puts the registers back to where
 * they were before the instruction that makes it, so that it looks as if it had not been executed.
 * What a string instruction has moved already stays. 0 or a negative errno.
 */
int arch_vcpu_undo_access(struct vcpu *vcpu, const struct vm_access *access);

/*
 * The same, and the instruction then ends in a fault when the guest runs on: #GP(0) on x86, a
 * synchronous external abort on arm64.
 */
int arch_vcpu_inject_fault(struct vcpu *vcpu, const struct vm_access *access);

/*
 * The access stays ignored, and the guest gets an asynchronous fault for it, as from a bus that
 * reports late: an SError on arm64 [Arm ARM DDI 0487 D1.3.5]. -EOPNOTSUPP on x86.
 */
int arch_vcpu_inject_serror(struct vcpu *vcpu);

/*
 * All vCPUs are out of the guest; and they are about to enter it, for the first time or again. For
 * clocks that stand still meanwhile. The I/O thread.
 */
void arch_vm_paused(struct vm *vm);
void arch_vm_resumed(struct vm *vm);

/*
 * On the vCPU's own thread, before it runs the guest for the first time or after a pause: a guest
 * that has a clock of the monitor's learns that it was held, and does not take that for a hang.
 */
void arch_vcpu_resumed(struct vcpu *vcpu);

/* What KVM_EXIT_FAIL_ENTRY's hardware reason means, as text; NULL when unknown. */
const char *arch_fail_entry_reason(uint64_t reason);

#endif
