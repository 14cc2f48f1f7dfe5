/* SPDX-License-Identifier: BSD-3-Clause */
/* Each way in which a partition can end or fail to, chosen by how=. */
#include "x86.h"

static void exit_port(void)
{
	uint32_t code = (uint32_t)cmdline_number("code", 0);

	switch (cmdline_number("size", 1)) {
	case 1:
		outb(PORT_EXIT, (uint8_t)code);
		break;
	case 2:
		outw(PORT_EXIT, (uint16_t)code);
		break;
	default:
		outl(PORT_EXIT, code);
	}
}

static void i8042_reset(void)
{
	outb(0x64, 0xFE);
}

static void port_reset(void)
{
	outb(PORT_RESET, 0x02); /* hard reset chosen; only bit 2 asks for it */
	kprintf("still here\n");
	outb(PORT_RESET, 0x0E);
}

static void acpi_off(void)
{
	outb(PORT_SLEEP_CTRL, 5 << 2); /* the type alone does nothing */
	kprintf("still here\n");
	outb(PORT_SLEEP_CTRL, 5 << 2 | 1 << 5);
}

static void triple_fault(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = {0, 0};

	__asm__ volatile("lidt %0; ud2" : : "m"(none));
}

static void exception(void)
{
	__asm__ volatile("ud2");
}

static void halt(void)
{
	cpu_stop();
}

static void spin(void)
{
	for (;;)
		cpu_relax();
}

/* lines= of console output without a pause. */
static void flood(void)
{
	static const char line[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY\n";
	uint64_t lines = cmdline_number("lines", 1000);

	for (uint64_t i = 0; i < lines; i++)
		console_write(line, sizeof(line) - 1);
	guest_exit(0);
}

static void other_cpu(unsigned cpu)
{
	if (cpu == 1)
		guest_exit(5);
}

/* CPU 1 ends the partition while CPU 0 sleeps. */
static void exit_other_cpu(void)
{
	cpus_start(other_cpu);
	cpu_stop();
}

int guest_main(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} ways[] = {{"exit", exit_port}, {"i8042", i8042_reset}, {"cf9", port_reset},
		{"off", acpi_off}, {"triple-fault", triple_fault}, {"exception", exception},
		{"halt", halt}, {"spin", spin}, {"flood", flood}, {"exit-cpu1", exit_other_cpu}};
	char how[16] = "";

	cmdline_get("how", how, sizeof(how));
	kprintf("how=%s\n", how);
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++)
		if (strcmp(ways[i].name, how) == 0)
			ways[i].run();
	delay_ns(50 * NS_PER_MS); /* an ending may reach this CPU late */
	kprintf("how=%s did not end the partition\n", how);
	return 99;
}
