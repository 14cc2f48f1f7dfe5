/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traps: the interrupt descriptor table, handlers by vector, and a register dump for exceptions
 * that nobody handles [SDM 3A 6.10, 6.14]. One stack per CPU and no TSS: a bad stack is a triple
 * fault, which the monitor reports.
 */
#include "x86.h"

#define GATE_INTERRUPT 0x8E00 /* present, DPL 0, 64-bit interrupt gate */
#define SEL_CODE64     0x08
#define ENTRY_SIZE     16 /* bytes of code per vector in trap_entry.S */

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint16_t attributes;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

extern uint8_t trap_entries[];
void trap_handle(struct trap_frame *f);

static struct gate idt[256] __attribute__((aligned(16)));
static trap_handler *handlers[256];

static const char *const exception_names[] = {"divide error", "debug", "NMI", "breakpoint",
	"overflow", "bound", "invalid opcode", "device not available", "double fault", "overrun",
	"invalid TSS", "segment not present", "stack fault", "general protection", "page fault",
	"reserved", "x87 error", "alignment check", "machine check", "SIMD error"};

void trap_init(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uint64_t entry = (uint64_t)trap_entries + i * ENTRY_SIZE;

		idt[i] = (struct gate){
			.offset_low = (uint16_t)entry,
			.selector = SEL_CODE64,
			.attributes = GATE_INTERRUPT,
			.offset_middle = (uint16_t)(entry >> 16),
			.offset_high = (uint32_t)(entry >> 32),
		};
	}
	trap_init_cpu();
}

void trap_init_cpu(void)
{
	struct table_pointer p = {sizeof(idt) - 1, (uint64_t)idt};

	__asm__ volatile("lidt %0" : : "m"(p));
}

void trap_set(unsigned vector, trap_handler *handler)
{
	__atomic_store_n(&handlers[vector], handler, __ATOMIC_RELEASE);
}

static _Noreturn void exception_dump(const struct trap_frame *f)
{
	const char *name = f->vector < ARRAY_SIZE(exception_names) ? exception_names[f->vector]
								   : "unexpected interrupt";
	uint64_t cr0, cr2, cr3, cr4;

	__asm__ volatile("mov %%cr0, %0; mov %%cr2, %1; mov %%cr3, %2; mov %%cr4, %3"
			 : "=r"(cr0), "=r"(cr2), "=r"(cr3), "=r"(cr4));
	kprintf("exception on cpu %u: vector %lu (%s), error code 0x%lx\n", cpu_id(), f->vector,
		name, f->error);
	kprintf("rip %016lx rsp %016lx rflags %lx cs %lx ss %lx\n", f->rip, f->rsp, f->rflags,
		f->cs, f->ss);
	kprintf("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
	kprintf("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", f->rsi, f->rdi, f->rbp, f->r8);
	kprintf("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", f->r9, f->r10, f->r11, f->r12);
	kprintf("r13 %016lx r14 %016lx r15 %016lx\n", f->r13, f->r14, f->r15);
	kprintf("cr0 %lx cr2 %lx cr3 %lx cr4 %lx\n", cr0, cr2, cr3, cr4);
	guest_exit(EXIT_EXCEPTION);
}

void trap_handle(struct trap_frame *f)
{
	trap_handler *handler = __atomic_load_n(&handlers[f->vector], __ATOMIC_ACQUIRE);

	if (handler)
		handler(f);
	else if (f->vector != VECTOR_SPURIOUS)
		exception_dump(f);
}
