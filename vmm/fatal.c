/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What follows when a vCPU does something outside its partition, or cannot go on: the policy is
 * told, a report is made for a human, and the vCPU does not run the guest again
 * (docs/fatal-errors.md). All on the vCPU's own thread.
 */
#include "lib/util.h"
#include "vmm/backtrace.h"
#include "vmm/vcpu.h"

#include <inttypes.h>
#include <string.h>

#define HOW_VIOLATION "out-of-bounds access"

/* A fatal error as it is met. */
struct fatal {
	enum end_kind kind;
	const char *how;
	const char *what;
	uint64_t event_ns;
	const struct vm_access *access; /* NULL: none */
	bool elsewhere;                 /* found by another thread, at any moment of the guest's */
};

void vcpu_describe(struct vcpu *vcpu, FILE *f)
{
	const struct gmem *gmem = &vcpu->vm->machine->gmem;
	struct backtrace_start start;
	struct backtrace trace;
	struct space space;

	arch_vcpu_describe(vcpu, f);
	if (!arch_vcpu_space(vcpu, &space) || !arch_vcpu_backtrace(vcpu, &space, &start))
		return;
	backtrace_collect(gmem, &space, &start, &trace);
	backtrace_print(&trace, &start, f);
}

static void describe(struct vcpu *vcpu, const struct vm_end *end, const char *what, FILE *f)
{
	fprintf(f, "vCPU %u: %s", vcpu->index, what);
	if (end->has_pc)
		fprintf(f, ", at PC 0x%" PRIx64, end->pc);
	fputc('\n', f);
	vcpu_describe(vcpu, f);
}

/* Of what END says already. */
static void write_report(struct vcpu *vcpu, const char *what, struct vm_end *end)
{
	FILE *f = fmemopen(end->report, sizeof(end->report), "w");

	if (f) {
		describe(vcpu, end, what, f);
		fclose(f);
	} else {
		snprintf(end->report, sizeof(end->report), "vCPU %u: %s\n", vcpu->index, what);
	}
}

static void meet(struct vcpu *vcpu, const struct fatal *fatal)
{
	const struct vm_policy *policy = &vcpu->vm->policy;
	struct vm_end *end = &vcpu->end;

	if (atomic_fetch_or(&vcpu->wanted, VCPU_DEAD) & VCPU_DEAD)
		return;
	if (policy->fatal)
		policy->fatal(policy->ctx, vcpu->index, fatal->event_ns);
	*end = (struct vm_end){.kind = fatal->kind,
		.vcpu = (int)vcpu->index,
		.how = fatal->how,
		.event_ns = fatal->event_ns};
	if (fatal->access) {
		end->access = *fatal->access;
		arch_vcpu_undo_access(vcpu, fatal->access);
	} else if (fatal->elsewhere) {
		/* The registers may be those amid an instruction. */
		vcpu_finish_access(vcpu);
	}
	end->has_pc = arch_vcpu_pc(vcpu, &end->pc);
	write_report(vcpu, fatal->what, end);
	vm_vcpu_died(vcpu);
}

void vcpu_panicked(struct vcpu *vcpu, const char *how, struct vm_end *ret_end)
{
	ret_end->vcpu = (int)vcpu->index;
	ret_end->has_pc = arch_vcpu_pc(vcpu, &ret_end->pc);
	write_report(vcpu, how, ret_end);
}

void vcpu_fatal(struct vcpu *vcpu, enum end_kind kind, const char *how, const char *what)
{
	meet(vcpu, &(struct fatal){
			   .kind = kind, .how = how, .what = what, .event_ns = monotonic_ns()});
}

void vcpu_meet_fault(struct vcpu *vcpu)
{
	const struct vcpu_fault *fault = &vcpu->fault;

	meet(vcpu, &(struct fatal){.kind = fault->kind,
			   .how = fault->how,
			   .what = fault->what,
			   .event_ns = fault->event_ns,
			   .elsewhere = true});
}

/* "write of 4 bytes (0x12) to port 0x1234, which nobody here has" */
static void describe_access(struct vm *vm, const struct vm_access *access, char *text, size_t size)
{
	const char *space = access->space == WINDOW_PORT ? "port" : "address";
	const struct machine_mapping *map = NULL;
	const char *readonly = NULL;

	if (access->space == WINDOW_MMIO)
		map = machine_find_mapping(vm->machine, access->address);
	if (map)
		readonly = map->what;
	else if (access->space == WINDOW_MMIO && vm_is_device_memory(vm, access->address))
		readonly = "memory of a device";
	if (access->write)
		snprintf(text, size, "write of %u byte%s (0x%" PRIx64 ") to %s 0x%" PRIx64 ", %s%s",
			access->size, access->size == 1 ? "" : "s", access->value, space,
			access->address,
			readonly ? "which is read-only: " : "which this partition does not have",
			readonly ? readonly : "");
	else
		snprintf(text, size,
			"read of %u byte%s from %s 0x%" PRIx64
			", which this partition does not have",
			access->size, access->size == 1 ? "" : "s", space, access->address);
}

bool vcpu_violation(struct vcpu *vcpu, const struct vm_access *access)
{
	struct fatal fatal = {.kind = END_VIOLATION, .how = HOW_VIOLATION, .access = access};
	enum vm_violation policy = vcpu->vm->policy.on_violation;
	struct vcpu_counters *c = &vcpu->counters;
	char what[160];

	counter_add(access->space == WINDOW_PORT ? &c->unclaimed_port : &c->unclaimed_mmio);
	history_add_unowned(&vcpu->history, access);
	if (policy == VM_VIOLATION_IGNORE)
		return true;
	if (policy == VM_VIOLATION_INJECT && !arch_vcpu_inject_fault(vcpu, access))
		return false;
	if (policy == VM_VIOLATION_SERROR && !arch_vcpu_inject_serror(vcpu))
		return true;
	fatal.event_ns = monotonic_ns();
	describe_access(vcpu->vm, access, what, sizeof(what));
	fatal.what = what;
	meet(vcpu, &fatal);
	return false;
}
