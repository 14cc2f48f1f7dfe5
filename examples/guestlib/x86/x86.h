/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The x86 side of the guest library, for images that look at the machine itself: instructions,
 * traps, interrupt controllers, firmware tables, ports. 64-bit mode, one privilege level, memory
 * identity-mapped.
 */
#ifndef GUESTLIB_X86_H
#define GUESTLIB_X86_H

#include "guest.h"
#include "mmio.h"

/* ---- instructions ---- */

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "a"((uint32_t)v), "d"((uint32_t)(v >> 32)), "c"(msr)
			 : "memory");
}

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid c;

	__asm__ volatile("cpuid"
			 : "=a"(c.eax), "=b"(c.ebx), "=c"(c.ecx), "=d"(c.edx)
			 : "a"(leaf), "c"(subleaf));
	return c;
}

/* ---- traps ---- */

/* As trap_entry.S leaves it on the stack. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

typedef void trap_handler(struct trap_frame *frame);

#define VECTOR_UD 6
#define VECTOR_GP 13
#define VECTOR_PF 14
/* 0x20-0x2F are the PIC's, masked; images may use 0x40-0xDF. */
#define VECTOR_PIC      0x20
#define VECTOR_FREE     0x40
#define VECTOR_GSI      0xE0 /* one for each interrupt of gsi_set */
#define VECTOR_IPI      0xEF
#define VECTOR_TIMER    0xF0
#define VECTOR_SPURIOUS 0xFF

/*
 * HANDLER is called for VECTOR, interrupts off; it acknowledges its interrupt itself (lapic_eoi),
 * and may change the frame to return elsewhere on the same stack. An exception without a handler
 * prints the registers and ends with EXIT_EXCEPTION.
 */
void trap_set(unsigned vector, trap_handler *handler);

/* Start-up, in this order. trap_init_cpu is for every CPU. */
void trap_init(void);
void trap_init_cpu(void);

/* ---- ACPI ---- */

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

#define MADT_LAPIC    0
#define MADT_IOAPIC   1
#define MADT_OVERRIDE 2
#define MADT_X2APIC   9

/* NULL when there is none; not NULL means that the first 20 bytes' checksum holds. */
const struct acpi_rsdp *acpi_rsdp(void);

/* The I-th table that the XSDT (or RSDT) lists; NULL past the last. Not checked for its sum. */
const struct acpi_header *acpi_table(unsigned i);
const struct acpi_header *acpi_find(const char *signature);

/* Sum of the SIZE bytes at P modulo 256: 0 for a valid table. */
uint8_t acpi_sum(const void *p, size_t size);

/* The I-th entry of TYPE in the MADT, or NULL. */
const uint8_t *madt_entry(unsigned type, unsigned i);

/* The GSI that ISA interrupt IRQ arrives at. */
unsigned acpi_isa_gsi(unsigned irq);

uint32_t cpu_apic_id(unsigned cpu);

/* ---- interrupt controllers ---- */

#define LAPIC_BASE       0xFEE00000
#define LAPIC_ID         0x20
#define LAPIC_VERSION    0x30
#define LAPIC_TPR        0x80
#define LAPIC_EOI        0xB0
#define LAPIC_SPURIOUS   0xF0
#define LAPIC_ISR        0x100
#define LAPIC_IRR        0x200
#define LAPIC_ICR        0x300
#define LAPIC_ICR_HIGH   0x310
#define LAPIC_LVT_TIMER  0x320
#define LAPIC_LVT_LINT0  0x350
#define LAPIC_TIMER_INIT 0x380
#define LAPIC_TIMER_NOW  0x390
#define LAPIC_TIMER_DIV  0x3E0

#define LVT_MASKED   0x10000
#define LVT_PERIODIC 0x20000

/*
 * Every CPU, once. x2APIC mode when the processor has it, unless the command line says apic=xapic;
 * else xAPIC.
 */
void lapic_init_cpu(void);
bool lapic_is_x2apic(void);
uint32_t lapic_read(unsigned reg);
void lapic_write(unsigned reg, uint32_t v);
uint32_t lapic_id(void);
void lapic_eoi(void);

/* Sends ICR (its low half) to APIC_ID and waits until it is accepted. */
void lapic_send(uint32_t apic_id, uint32_t icr);

#define ICR_FIXED 0x4000 /* | vector; level: assert */
#define ICR_INIT  0x4500
#define ICR_SIPI  0x4600 /* | start address / 4096 */

uint32_t ioapic_read(unsigned reg);
void ioapic_write(unsigned reg, uint32_t v);

/* Sends GSI to VECTOR on the CPU with APIC_ID: edge, active high; or masks it. */
void ioapic_route(unsigned gsi, unsigned vector, uint32_t apic_id);
void ioapic_mask(unsigned gsi);

/* ---- the rest of the PC ---- */

#define PORT_COM1       0x3F8
#define PORT_COM2       0x2F8
#define PORT_EXIT       0xF4
#define PORT_SLEEP_CTRL 0x400
#define PORT_RESET      0xCF9

/* 8254 [Intel 8254 data sheet], channel 0: mode 2 (rate generator) or 0 (one shot). */
#define PIT_HZ 1193182
void pit_set(unsigned mode, uint16_t count);
uint32_t pit_read(void); /* the 16-bit count */

/* Cycles of the TSC a second, and where that is known from. */
uint64_t tsc_hz(void);
const char *tsc_source(void);
uint64_t tsc_to_ns(uint64_t cycles);

/*
 * A counter and the TSC at one moment: of a few readings the closest pair, because this CPU may
 * lose its core to someone else between the two.
 */
struct sample {
	uint64_t tsc;
	uint32_t count;
};

struct sample sample_counter(uint32_t (*read)(void));

/* Start-up, CPU 0. */
void time_init(void);

/* What the entry code leaves. */
extern uint32_t boot_magic, boot_information;
void multiboot_init(void);

/* Where the application processors start, and what the entry code takes from C. */
#define AP_TRAMPOLINE 0x8000
extern uint8_t ap_trampoline[], ap_trampoline_end[];
extern uint64_t ap_stack_top;
extern uint8_t stacks[];

#endif
