/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine of the fusa contract (docs/contract-fusa.md) as a guest finds it, in either VM, which
 * has 64 MiB: memory, tables, ports, clock, PCI, CPUID, MSRs, instructions, INIT and SIPI. The
 * image needs the debug set: COM1 and the exit port. What a host's KVM may do otherwise, and the
 * document says so, is a line that begins with "host".
 *
 * The non-safety VM's command line says: cpus=; monitor=1 to try nothing but MONITOR and MWAIT, or
 * init-boot=1 nothing but an INIT to the boot vCPU.
 */
#include "../../check.h"
#include "x86.h"

#define RAM      0x4000000
#define KERNEL   0x1000000
#define RESERVED 0xF0000
#define CMDLINE  (KERNEL - 0x2000)
#define ZERO     (KERNEL - 0x1000)

/* By the address that the image was linked at. */
static bool safety(void)
{
	extern uint8_t _start[];

	return (uint64_t)_start < KERNEL;
}

/* Holds, or the host's KVM is known not to give it. */
#define check_host(condition, ...)                                                                 \
	(kprintf((condition) ? "ok      " : "host    "), kprintf(__VA_ARGS__), kprintf("\n"))

/* Holds, or the host's KVM does not keep CPUID as it was set, which the host can find out. */
#define check_kept(condition, ...)                                                                 \
	(kprintf((condition) ? "ok      " : "cpuid   "), kprintf(__VA_ARGS__), kprintf("\n"))

/* KEY=NUMBER of the non-safety VM's command line. */
static uint64_t option(const char *key, uint64_t fallback)
{
	const char *at = safety() ? NULL : strstr((const char *)CMDLINE, key);
	uint64_t value = 0;

	if (!at)
		return fallback;
	for (at += strlen(key) + 1; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (uint64_t)(*at - '0');
	return value;
}

/* ---- exceptions: the vector that an instruction raised, or 0 ---- */

static volatile unsigned raised;
static volatile uint64_t raised_error;
static uint64_t resume;

static void catch (struct trap_frame *f)
{
	raised = (unsigned)f->vector;
	raised_error = f->error;
	f->rip = resume;
}

#define RAISED(instruction, ...)                                                                   \
	({                                                                                         \
		raised = 0;                                                                        \
		__asm__ volatile("lea 1f(%%rip), %%r11\nmov %%r11, %0\n" instruction "\n1:"        \
				 : "=m"(resume)                                                    \
				 : __VA_ARGS__                                                     \
				 : "rax", "rdx", "r11", "memory");                                 \
		raised;                                                                            \
	})

static unsigned rdmsr_raises(uint32_t msr)
{
	return RAISED("rdmsr", "c"(msr));
}

static unsigned wrmsr_raises(uint32_t msr)
{
	return RAISED("xor %%eax, %%eax\nxor %%edx, %%edx\nwrmsr", "c"(msr));
}

static void check_instructions(void)
{
	check_host(RAISED("xor %%eax, %%eax\nvmcall", "c"(0)) == VECTOR_UD, "VMCALL is #UD");
	check_host(RAISED("rdpmc", "c"(0)) == VECTOR_UD, "RDPMC is #UD");
	check_host(RAISED("rdpmc", "c"(0)) != 0, "RDPMC faults (vector %u)", raised);
}

/* Not for every host: some KVMs cannot even emulate these. */
static void check_monitor(void)
{
	check(RAISED("mov $0x1000, %%eax\nxor %%edx, %%edx\nmonitor", "c"(0)) == VECTOR_UD,
		"MONITOR is #UD");
	check(RAISED("xor %%eax, %%eax\nmwait", "c"(0)) == VECTOR_UD, "MWAIT is #UD");
}

/* ---- memory and tables ---- */

static void check_memory(void)
{
	static const uint64_t backed[] = {0, RESERVED - 8, RESERVED, 0xA0000, 0xFFFF8, RAM - 8};
	static const uint64_t absent[] = {RAM, 0x80000000, 0xE0000000, 0xFEC00000, 0xFFFFFFF0};
	unsigned good = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(backed); i++) {
		uint64_t was = mmio_read64(backed[i]);

		mmio_write64(backed[i], 0x123456789ABCDEF0);
		good += mmio_read64(backed[i]) == 0x123456789ABCDEF0;
		mmio_write64(backed[i], was);
	}
	check(good == ARRAY_SIZE(backed), "memory from 0 to the end, %u places", good);
	good = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(absent); i++) {
		mmio_write64(absent[i], 0);
		good += mmio_read64(absent[i]) == UINT64_MAX;
	}
	check(good == ARRAY_SIZE(absent), "nothing above the end, %u places", good);
	check(mmio_read32(LAPIC_BASE + LAPIC_VERSION) == UINT32_MAX, "no xAPIC page");
}

static void check_tables(void)
{
	const uint32_t *zero = (const void *)ZERO;
	const struct acpi_header *madt;
	bool empty = true;

	if (safety()) {
		for (uint64_t at = RESERVED; at < 0x100000; at += 8)
			empty = empty && mmio_read64(at) == 0;
		check(empty, "nothing from 0xf0000 to 0xfffff");
		return;
	}
	madt = acpi_find("APIC");
	check((uint64_t)acpi_rsdp() == 0xF2400 && acpi_rsdp()->xsdt == 0xF2480 &&
			acpi_sum(acpi_rsdp(), 36) == 0,
		"RSDP and XSDT");
	check((uint64_t)madt == 0xF2500 && acpi_sum(madt, madt->length) == 0 && !acpi_table(1),
		"the MADT, and no other table");
	check(!madt_entry(MADT_IOAPIC, 0) && cpu_count() == option("cpus", 1),
		"%u local APICs, no IOAPIC", cpu_count());
	check(*(const uint8_t *)(ZERO + 0x1E8) == 3 && zero[0x228 / 4] == CMDLINE &&
			zero[0x218 / 4] == 0 && zero[0x21C / 4] == 0,
		"the zero page");
}

/* ---- ports ---- */

static void check_ports(void)
{
	static const uint16_t ports[] = {0x20, 0x21, 0x40, 0x43, 0x60, 0x61, 0x64, 0x72, 0x80, 0xA1,
		0x2F8, 0x400, 0x401, 0x4D0, 0xB80, 0xCF9, 0x1234, 0xFFFC};
	unsigned good = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
		if (ports[i] != 0xCF9)
			outb(ports[i], 0);
		if (inb(ports[i]) == 0xFF && inw(ports[i]) == 0xFFFF && inl(ports[i]) == 0xFFFFFFFF)
			good++;
		else
			kprintf("port 0x%x answers\n", ports[i]);
	}
	check(good == ARRAY_SIZE(ports), "no PIC, PIT, keyboard, power: %u ports read all-ones",
		good);
}

static uint8_t rtc(uint8_t index)
{
	outb(0x70, index);
	return inb(0x71);
}

static bool bcd_in(uint8_t v, uint8_t low, uint8_t high)
{
	return (v & 0xF) <= 9 && v >= low && v <= high;
}

static void check_rtc(void)
{
	uint8_t minute;
	bool fixed = true;

	check(rtc(0xB) == 2 && rtc(0xD) == 0x80, "RTC: 24 hours, BCD, valid");
	check(rtc(0x8B) == 2 && rtc(0x8D) == 0x80, "RTC: bit 7 of the index does not count");
	for (unsigned i = 0; i < 128; i++)
		if (i > 0xD || i == 1 || i == 3 || i == 5 || i == 0xA || i == 0xC)
			fixed = fixed && rtc((uint8_t)i) == 0;
	check(fixed, "RTC: every other register is 0");
	check(bcd_in(rtc(0), 0, 0x59) && bcd_in(rtc(2), 0, 0x59) && bcd_in(rtc(4), 0, 0x23) &&
			bcd_in(rtc(6), 1, 7) && bcd_in(rtc(7), 1, 0x31) && bcd_in(rtc(8), 1, 0x12),
		"RTC: a time");
	rtc(0xB);
	outb(0x71, 0xFF);
	outw(0x71, 0xFFFF);
	outw(0x70, 0xFFFF);
	outl(0x70, 0xFFFFFFFF);
	check(inb(0x71) == 2 && inw(0x71) == 2 && inl(0x71) == 2, "RTC: writes are ignored");
	check(inb(0x70) == 0 && inw(0x70) == 0 && inl(0x70) == 0, "RTC: the index reads 0");
	minute = rtc(2);
	outb(0x71, 0x99);
	check(rtc(2) != 0x99 && bcd_in(minute, 0, 0x59), "RTC: the time cannot be set");
}

static uint32_t pci_read(uint32_t address)
{
	outl(0xCF8, address);
	return inl(0xCFC);
}

static void check_pci(void)
{
	unsigned found = 0;
	bool zero = true;

	check(pci_read(0x80000000) == 0x5AF08086, "PCI: host bridge 8086:5af0");
	check(pci_read(0x80000008) == 0x0600000B, "PCI: class 060000, revision 0x0b");
	for (uint32_t at = 4; at < 256; at += 4)
		zero = zero && (at == 8 || pci_read(0x80000000 | at) == 0);
	check(zero, "PCI: nothing else in it");
	outl(0xCF8, 0x80000000);
	outl(0xCFC, 0);
	check(inl(0xCFC) == 0x5AF08086 && inw(0xCFE) == 0x5AF0 && inb(0xCFD) == 0x80,
		"PCI: read-only, at each width");
	outb(0xCF8, 0x55);
	outw(0xCF8, 0x5555);
	check(inl(0xCF8) == 0x80000000 && inb(0xCF8) == 0xFF && inw(0xCFA) == 0xFFFF,
		"PCI: CONFIG_ADDRESS takes 4 bytes only");
	outl(0xCF8, 0x7F000003);
	check(inl(0xCF8) == 0 && inl(0xCFC) == UINT32_MAX, "PCI: reserved bits, enable bit");
	for (uint32_t function = 1; function < 256; function++)
		found += pci_read(0x80000000 | function << 8) != UINT32_MAX;
	for (uint32_t bus = 1; bus < 256; bus++)
		found += pci_read(0x80000000 | bus << 16) != UINT32_MAX;
	check(!found, "PCI: no other function, no other bus");
}

/* ---- CPUID and MSRs ---- */

static void check_cpuid(void)
{
	struct cpuid one = cpuid(1, 0), hv = cpuid(0x40000000, 0), last = cpuid(0x16, 0);
	unsigned cpus = safety() ? 1 : cpu_count();
	struct cpuid thread = cpuid(0xB, 0), core = cpuid(0xB, 1);

	check(cpuid(0, 0).eax == 0x16, "CPUID: basic leaves up to 0x%x", cpuid(0, 0).eax);
	/* Beyond the last leaf, Intel processors give the last one's values, AMD's 0 [SDM 2A]. */
	check((!hv.eax && !hv.ebx && !hv.ecx && !hv.edx) ||
			(hv.eax == last.eax && hv.ebx == last.ebx && hv.ecx == last.ecx),
		"CPUID: no leaf 0x40000000");
	check(!(one.ecx >> 31), "CPUID: no hypervisor");
	check(!(one.ecx >> 3 & 1), "CPUID: no MONITOR");
	check(one.ecx >> 21 & 1, "CPUID: x2APIC");
	if (safety())
		check_kept(!(one.edx >> 28 & 1), "HTT = 0");
	else
		check_kept(!(one.edx >> 7 & 1) && !(one.edx >> 14 & 1), "MCE = MCA = 0");
	check(thread.ebx == 1 && core.ebx == cpus, "CPUID: leaf 0xb: %u and %u", thread.ebx,
		core.ebx);
}

static void check_msrs(void)
{
	static const uint32_t allowed[] = {0x10, 0x1B, 0x174, 0x175, 0x176, 0x1A0, 0x277,
		0xC0000080, 0xC0000082, 0xC0000100, 0xC0000102};
	/* MTRRs, performance counters, debug control, machine checks, power, VMX, KVM's clock. */
	static const uint32_t denied[] = {0x0, 0xC1, 0xFE, 0x186, 0x198, 0x199, 0x1D9, 0x200, 0x250,
		0x2FF, 0x345, 0x38F, 0x400, 0x480, 0x600, 0x606, 0xDA0, 0x10A, 0x12, 0x4B564D00,
		0x40000000, 0xC0010015, 0xC0011029, 0xFFFFFFFF};
	unsigned good = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(allowed); i++) {
		if (!rdmsr_raises(allowed[i]))
			good++;
		else
			kprintf("MSR 0x%x: vector %u\n", allowed[i], raised);
	}
	check(good == ARRAY_SIZE(allowed), "%u listed MSRs can be read", good);
	good = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(denied); i++) {
		if (rdmsr_raises(denied[i]) == VECTOR_GP && !raised_error &&
			wrmsr_raises(denied[i]) == VECTOR_GP && !raised_error)
			good++;
		else
			kprintf("MSR 0x%x: vector %u\n", denied[i], raised);
	}
	check(good == ARRAY_SIZE(denied), "%u others are #GP(0), to read and to write", good);
	check((rdmsr(0x1B) & 0xFFFFFF000) == LAPIC_BASE && (rdmsr(0x1B) & 0xD00) == 0xD00,
		"IA32_APIC_BASE: x2APIC mode, boot CPU: 0x%lx", rdmsr(0x1B));
}

/* ---- INIT and SIPI ---- */

#define TRAMPOLINE 0x9000
#define WAIT       (50 * NS_PER_MS)

/* What the trampoline leaves. */
struct seen {
	uint32_t count, edx, cr0;
	uint16_t cs, ip;
};

extern uint8_t fusa_trampoline[], fusa_trampoline_end[], fusa_seen[];

__asm__(".pushsection .text\n.code16\n"
	"fusa_trampoline:\n"
	"movl %edx, %cs:(fusa_seen - fusa_trampoline + 4)\n"
	"movl %cr0, %eax\n"
	"movl %eax, %cs:(fusa_seen - fusa_trampoline + 8)\n"
	"movw %cs, %ax\n"
	"movw %ax, %cs:(fusa_seen - fusa_trampoline + 12)\n"
	"call 1f\n"
	"1: popw %ax\n"
	"subw $(1b - fusa_trampoline), %ax\n"
	"movw %ax, %cs:(fusa_seen - fusa_trampoline + 14)\n"
	"incl %cs:(fusa_seen - fusa_trampoline)\n"
	"2: cli\nhlt\njmp 2b\n"
	".balign 4\n"
	"fusa_seen: .long 0, 0, 0\n.word 0, 0\n"
	"fusa_trampoline_end:\n.code64\n.popsection");

static volatile struct seen *trampoline(void)
{
	return (void *)(TRAMPOLINE + (uint64_t)(fusa_seen - fusa_trampoline));
}

static uint32_t count_after(uint32_t icr)
{
	lapic_send(1, icr);
	delay_ns(WAIT);
	return trampoline()->count;
}

static void other_cpu(unsigned cpu)
{
	(void)cpu;
}

static void check_start(void)
{
	volatile struct seen *seen = trampoline();
	const uint32_t sipi = ICR_SIPI | TRAMPOLINE / 4096;

	memcpy((void *)TRAMPOLINE, fusa_trampoline,
		(size_t)(fusa_trampoline_end - fusa_trampoline));
	check(count_after(sipi) == 0, "SIPI without INIT is ignored");
	check(count_after(ICR_INIT) == 0, "INIT waits for SIPI");
	check(count_after(sipi) == 1, "the first SIPI starts it");
	check(seen->cs == TRAMPOLINE >> 4 && seen->ip == 0, "at %x:%x", seen->cs, seen->ip);
	check_host((seen->cr0 & 0x60000011) == 0x60000010, "CR0 after SIPI is 0x60000010: 0x%x",
		seen->cr0);
	check_host(seen->edx == 0x80600, "EDX after SIPI is 0x80600: 0x%x", seen->edx);
	check(count_after(sipi) == 1, "the second SIPI is ignored");
	check(cpus_start(other_cpu) == cpu_count(), "INIT and SIPI start %u CPUs", cpu_count());
	cpus_join();
}

static volatile unsigned boot_counter;

/* Another CPU sends INIT to the boot vCPU, which must go on counting. */
static void send_init(unsigned cpu)
{
	unsigned before;

	if (cpu != 1)
		return;
	lapic_send(0, ICR_INIT);
	lapic_send(0, ICR_SIPI | TRAMPOLINE / 4096);
	delay_ns(WAIT);
	before = boot_counter;
	delay_ns(WAIT);
	check(boot_counter != before, "the boot vCPU takes no INIT");
	guest_exit((unsigned)checks_failed());
}

int guest_main(void)
{
	trap_set(VECTOR_GP, catch);
	trap_set(VECTOR_UD, catch);
	if (option("init-boot", 0)) {
		cpus_start(send_init);
		for (;;)
			boot_counter++;
	}
	if (option("monitor", 0)) {
		check_monitor();
		return checks_failed();
	}
	check(lapic_is_x2apic() && lapic_id() == 0, "the local APIC is in x2APIC mode");
	check_memory();
	check_tables();
	check_ports();
	check_rtc();
	check_pci();
	check_cpuid();
	check_msrs();
	if (!safety() && cpu_count() > 1)
		check_start();
	check_instructions();
	return checks_failed();
}
