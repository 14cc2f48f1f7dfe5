/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest of the figure `doorbell`, a multiboot image in 32-bit protected mode: peer 0 rings,
 * sleeps until it is rung, and so on; peer 1 sleeps until it is rung, and rings. Peer 0 writes S to
 * COM1 before the rounds that count and E behind them. The doorbell is that of the ivshmem function
 * at 00:01.0, or, where there is none, DOORBELL_FLOOR, with the peer's number in EBX at the start.
 *
 * Peer 1 begins by ringing vector 0, again and again, until it is rung: so each doorbell of vector
 * 1 is the answer to one, and the only one that is under way.
 *
 * Interrupt handlers do not return by IRET: software-based KVMs do not emulate it. Interrupts are
 * off but while the guest sleeps.
 */
#include "include/bulkhead/ivshmem.h"
#define DOORBELL_CONSTANTS
#include "tests/bench/doorbell.h"

#include <stdbool.h>
#include <stdint.h>

#define PORT_COM1   0x3F8
#define PORT_EXIT   0xF4
#define PCI_ADDRESS 0xCF8
#define PCI_DATA    0xCFC
#define FUNCTION    0x80000800 /* 00:01.0 */
#define MSIX        0x11

#define APIC          0xFEE00000
#define APIC_TPR      0x80
#define APIC_SPURIOUS 0xF0
#define APIC_IRR      0x200

/* How often IRR is read between two hellos. */
#define PATIENCE 1000

__asm__("	.text\n"
	"	.balign 4\n"
	"	.long 0x1BADB002, 0, -0x1BADB002\n" /* [Multiboot 0.6.96 3.1.1] */
	"	.globl _start\n"
	"_start:\n"
	"	mov $stack_top, %esp\n"
	"	lgdt gdt_pointer\n"
	"	ljmp $8, $1f\n"
	"1:	mov $16, %eax\n"
	"	mov %eax, %ds\n"
	"	mov %eax, %es\n"
	"	mov %eax, %ss\n"
	"	push %ebx\n"
	"	call guest\n"
	"1:	cli\n"
	"	hlt\n"
	"	jmp 1b\n"
	/* Sleeps until an interrupt comes: as a function, it returns from the handler. */
	"sleep:\n"
	"	push %ebx\n"
	"	push %esi\n"
	"	push %edi\n"
	"	push %ebp\n"
	"	mov %esp, asleep\n"
	"1:	sti\n"
	"	hlt\n"
	"	jmp 1b\n"
	"interrupted:\n"
	"	mov asleep, %esp\n"
	"	movl $0, 0xFEE000B0\n" /* end of interrupt */
	"	pop %ebp\n"
	"	pop %edi\n"
	"	pop %esi\n"
	"	pop %ebx\n"
	"	ret\n"
	"	.data\n"
	"	.balign 8\n"
	"gdt:	.quad 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF\n"
	"gdt_pointer:\n"
	"	.word . - gdt - 1\n"
	"	.long gdt\n"
	"	.bss\n"
	"	.balign 16\n"
	"	.skip 4096\n"
	"stack_top:\n"
	"asleep:	.skip 4\n"
	"	.text\n");

void sleep(void);
void interrupted(void);
void guest(uint32_t ebx);

static volatile uint32_t *doorbell;

static void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static volatile uint32_t *mmio(uint32_t address)
{
	return (volatile uint32_t *)address;
}

static uint32_t pci_read(unsigned reg)
{
	outl(PCI_ADDRESS, FUNCTION | reg);
	return inl(PCI_DATA);
}

static void pci_write(unsigned reg, uint32_t v)
{
	outl(PCI_ADDRESS, FUNCTION | reg);
	outl(PCI_DATA, v);
}

/* Turns the function on. Its id. */
static uint32_t set_up_ivshmem(void)
{
	unsigned cap = pci_read(0x34) & 0xFC;
	uint32_t registers, table;

	while (cap && (pci_read(cap) & 0xFF) != MSIX)
		cap = pci_read(cap) >> 8 & 0xFC;
	pci_write(4, 0x6); /* memory, bus master */
	registers = pci_read(0x10) & ~0xFu;
	table = pci_read(0x14) & ~0xFu;
	pci_write(cap, pci_read(cap) | 0x80000000);
	for (uint32_t v = 0; v < DOORBELL_VECTORS; v++) {
		*mmio(table + 16 * v) = DOORBELL_MSI_ADDRESS;
		*mmio(table + 16 * v + 4) = 0;
		*mmio(table + 16 * v + 8) = DOORBELL_INTERRUPT(v);
		*mmio(table + 16 * v + 12) = 0;
	}
	*mmio(registers + IVSHMEM_V2_INTERRUPT_CONTROL) = IVSHMEM_V2_INTERRUPT_ENABLE;
	doorbell = mmio(registers + IVSHMEM_DOORBELL);
	return *mmio(registers + IVSHMEM_V2_ID);
}

static void set_up_interrupts(void)
{
	static uint32_t idt[DOORBELL_INTERRUPT(DOORBELL_BELL) + 1][2];
	const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) pointer = {sizeof(idt) - 1, (uint32_t)idt};
	uint32_t at = (uint32_t)interrupted;

	/* A 32-bit interrupt gate [SDM 3A 6.11]. */
	idt[DOORBELL_INTERRUPT(DOORBELL_BELL)][0] = 8 << 16 | (at & 0xFFFF);
	idt[DOORBELL_INTERRUPT(DOORBELL_BELL)][1] = (at & 0xFFFF0000) | 0x8E00;
	__asm__ volatile("lidt %0" : : "m"(pointer) : "memory");
	outb(0x21, 0xFF); /* the PICs are masked */
	outb(0xA1, 0xFF);
	*mmio(APIC + APIC_TPR) = DOORBELL_INTERRUPT(DOORBELL_HELLO); /* which stays in IRR */
	*mmio(APIC + APIC_SPURIOUS) = 0x1FF;
}

static bool is_rung(unsigned vector)
{
	unsigned interrupt = DOORBELL_INTERRUPT(vector);

	return *mmio(APIC + APIC_IRR + interrupt / 32 * 0x10) >> interrupt % 32 & 1;
}

/* Until peer 0 rings: it may not be listening yet. */
static void say_hello(void)
{
	for (unsigned i = 0; !is_rung(DOORBELL_BELL); i++) {
		if (i % PATIENCE == 0)
			*doorbell = DOORBELL_VALUE(0, DOORBELL_HELLO);
	}
}

static void answer(void)
{
	say_hello();
	for (unsigned i = 0; i < DOORBELL_WARM_UP + DOORBELL_ROUNDS; i++) {
		sleep();
		*doorbell = DOORBELL_VALUE(0, DOORBELL_BELL);
	}
}

static void ask(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		*doorbell = DOORBELL_VALUE(1, DOORBELL_BELL);
		sleep();
	}
}

void guest(uint32_t ebx)
{
	uint32_t id = ebx;

	set_up_interrupts();
	if (pci_read(0) == ((uint32_t)IVSHMEM_V2_DEVICE << 16 | IVSHMEM_V2_VENDOR))
		id = set_up_ivshmem();
	else
		doorbell = mmio(DOORBELL_FLOOR);
	if (id) {
		answer();
	} else {
		while (!is_rung(DOORBELL_HELLO))
			;
		ask(DOORBELL_WARM_UP);
		outb(PORT_COM1, 'S');
		ask(DOORBELL_ROUNDS);
		outb(PORT_COM1, 'E');
	}
	outb(PORT_EXIT, 0);
}
