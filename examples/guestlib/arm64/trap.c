/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exceptions: handlers by class, addresses at which one does no harm, and a register dump for those
 * that nobody handles [DDI 0487 D1.3].
 */
#include "arm64.h"

enum kind { KIND_SYNCHRONOUS, KIND_IRQ, KIND_FIQ, KIND_SERROR };
#define GROUP_EL1H 1 /* of four: EL1 with SP_EL0, EL1, EL0, EL0 in AArch32 */

struct fixup {
	uint64_t from, to;
};

extern const struct fixup fixups_start[], fixups_end[];
void trap_handle(struct trap_frame *f);

static trap_handler *handlers[EC_COUNT];

void trap_set(unsigned class, trap_handler *handler)
{
	__atomic_store_n(&handlers[class], handler, __ATOMIC_RELEASE);
}

static const char *class_name(unsigned class)
{
	static const struct {
		unsigned class;
		const char *name;
	} names[] = {{EC_UNKNOWN, "undefined instruction"}, {0x07, "floating point"},
		{EC_SVC, "SVC"}, {EC_HVC, "HVC"}, {0x17, "SMC"}, {EC_SYSTEM, "system register"},
		{EC_INSN_ABORT, "instruction abort"}, {EC_PC_ALIGN, "PC alignment"},
		{EC_DATA_ABORT, "data abort"}, {0x26, "SP alignment"}, {EC_SERROR, "SError"},
		{0x3C, "BRK"}};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].class == class)
			return names[i].name;
	return "unexpected";
}

static _Noreturn void exception_dump(const struct trap_frame *f)
{
	kprintf("exception on cpu %u: vector %lu, class 0x%x (%s)\n", cpu_id(), f->vector,
		esr_class(f->esr), class_name(esr_class(f->esr)));
	kprintf("pc  %016lx sp  %016lx pstate %lx esr %lx far %lx\n", f->pc,
		(uint64_t)f + sizeof(*f), f->pstate, f->esr, f->far);
	for (unsigned i = 0; i < 28; i += 4)
		kprintf("x%-2u %016lx x%-2u %016lx x%-2u %016lx x%-2u %016lx\n", i, f->x[i], i + 1,
			f->x[i + 1], i + 2, f->x[i + 2], i + 3, f->x[i + 3]);
	kprintf("x28 %016lx x29 %016lx x30 %016lx\n", f->x[28], f->x[29], f->x[30]);
	guest_exit(EXIT_EXCEPTION);
}

static bool fix(struct trap_frame *f)
{
	for (const struct fixup *i = fixups_start; i < fixups_end; i++) {
		if (f->pc != i->from)
			continue;
		f->pc = i->to;
		return true;
	}
	return false;
}

void trap_handle(struct trap_frame *f)
{
	enum kind kind = f->vector % 4;
	unsigned class = kind == KIND_SERROR ? EC_SERROR : esr_class(f->esr);
	trap_handler *handler = __atomic_load_n(&handlers[class], __ATOMIC_ACQUIRE);

	if (f->vector / 4 != GROUP_EL1H || kind == KIND_FIQ)
		exception_dump(f);
	if (kind == KIND_IRQ)
		gic_handle();
	else if (kind == KIND_SYNCHRONOUS && fix(f))
		return;
	else if (handler)
		handler(f);
	else
		exception_dump(f);
}
