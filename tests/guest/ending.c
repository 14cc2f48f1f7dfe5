/* SPDX-License-Identifier: BSD-3-Clause */
/* Each way in which a partition can end or fail to, chosen by how=. */
#include "ways.h"

static void exception(void)
{
	cpu_undefined();
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
	static const struct way ways[] = {{"exception", exception}, {"halt", halt}, {"spin", spin},
		{"flood", flood}, {"exit-cpu1", exit_other_cpu}, {NULL, NULL}};
	char how[16] = "";

	cmdline_get("how", how, sizeof(how));
	kprintf("how=%s\n", how);
	way_run(ways, how);
	way_run(machine_ways, how);
	delay_ns(50 * NS_PER_MS); /* an ending may reach this CPU late */
	kprintf("how=%s did not end the partition\n", how);
	return 99;
}
