/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CPUs: starting them by INIT and SIPI [SDM 3A 9.4.4], one after the other; sleeping, interrupts on
 * and off; more memory in the map; and how a partition ends.
 */
#include "x86.h"

#define START_WAIT (1000 * NS_PER_MS)
#define INIT_WAIT  (200 * NS_PER_US)

#define SLEEP_S5_ENABLE 0x34 /* SLP_TYP 5, SLP_EN [ACPI 6.5 4.8.3.7] */
#define RESET_VALUE     0x0E

#define MAP_GIBS_MAX 4
#define PAGE_2M      0x200000
#define PAGE_FLAGS   0x83 /* present, writable, 2 MiB */

extern uint64_t page_directory_pointers[512];

uint64_t ap_stack_top;

static void (*ap_function)(unsigned cpu);
static unsigned ap_online;   /* CPUs that have started, CPU 0 not counted */
static unsigned ap_finished; /* of those, whose function has returned */

_Noreturn void ap_main(void);

/* CPU n runs on the n-th stack. */
unsigned cpu_id(void)
{
	return (unsigned)((uint64_t)__builtin_frame_address(0) - (uint64_t)stacks) /
	       GUEST_STACK_SIZE;
}

void irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

void irq_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

void cpu_wait(void)
{
	/* STI takes effect after HLT has begun: an interrupt cannot slip in between. */
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

void cpu_let_in(void)
{
	/* The interrupt comes after the instruction that follows STI. */
	__asm__ volatile("sti; nop; nop; cli" : : : "memory");
}

void cpu_stop(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}

void cpu_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

void cpu_undefined(void)
{
	__asm__ volatile("ud2");
}

void ap_main(void)
{
	trap_init_cpu();
	lapic_init_cpu();
	__atomic_fetch_add(&ap_online, 1, __ATOMIC_SEQ_CST);
	ap_function(cpu_id());
	__atomic_fetch_add(&ap_finished, 1, __ATOMIC_SEQ_CST);
	cpu_stop();
}

static bool wait_online(unsigned target)
{
	uint64_t start = time_ns();

	while (__atomic_load_n(&ap_online, __ATOMIC_SEQ_CST) < target) {
		if (time_ns() - start > START_WAIT)
			return false;
		cpu_relax();
	}
	return true;
}

static bool cpu_start(unsigned cpu)
{
	uint32_t apic_id = cpu_apic_id(cpu);
	unsigned target = ap_online + 1;

	ap_stack_top = (uint64_t)stacks + (cpu + 1) * GUEST_STACK_SIZE;
	lapic_send(apic_id, ICR_INIT);
	delay_ns(INIT_WAIT);
	lapic_send(apic_id, ICR_SIPI | AP_TRAMPOLINE / 4096);
	if (wait_online(target))
		return true;
	lapic_send(apic_id, ICR_SIPI | AP_TRAMPOLINE / 4096);
	return wait_online(target);
}

unsigned cpus_start(void (*fn)(unsigned cpu))
{
	memcpy((void *)AP_TRAMPOLINE, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
	ap_function = fn;
	for (unsigned cpu = 1; cpu < cpu_count(); cpu++)
		cpu_start(cpu);
	return 1 + ap_online;
}

void cpus_join(void)
{
	while (__atomic_load_n(&ap_finished, __ATOMIC_SEQ_CST) < ap_online)
		cpu_relax();
}

void paging_map_gib(uint64_t gpa)
{
	static uint64_t directories[MAP_GIBS_MAX][512] __attribute__((aligned(4096)));
	static unsigned used;
	uint64_t gib = gpa >> 30;

	if (gib >= 512 || page_directory_pointers[gib])
		return;
	if (used == MAP_GIBS_MAX)
		panic("paging: no page directory left for 0x%lx", gpa);
	for (uint64_t i = 0; i < 512; i++)
		directories[used][i] = (gib << 30) + i * PAGE_2M + PAGE_FLAGS;
	page_directory_pointers[gib] = (uint64_t)directories[used++] | 3;
}

void guest_exit(unsigned code)
{
	outl(PORT_EXIT, code);
	/* Nobody took the code. A failure must not look like a power-off: ask for a reset. */
	if (code == 0)
		outb(PORT_SLEEP_CTRL, SLEEP_S5_ENABLE);
	else
		outb(PORT_RESET, RESET_VALUE);
	cpu_stop();
}
