/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device tree -> struct boot: command line, memory (and what is reserved of it or
 * beside it), initrd. It is in X0, or, where a loader of
 * ELF files does not say (QEMU's), at the start of RAM.
 */
#include "arch.h"
#include "arm64.h"

#define RAM_BASE 0x40000000

static void set_cmdline(const char *text)
{
	size_t n = text ? strlen(text) : 0;

	if (n > CMDLINE_MAX - 1)
		n = CMDLINE_MAX - 1;
	memcpy(boot.cmdline, text, n);
	boot.cmdline[n] = '\0';
}

/* By ascending address. */
static void add_ranges(int node, uint32_t type)
{
	struct memory_range r = {.type = type};

	for (unsigned i = 0; dt_reg(node, i, &r.base, &r.size); i++) {
		unsigned at = boot.range_count;

		if (!r.size || at == GUEST_RANGES_MAX)
			continue;
		for (; at && boot.ranges[at - 1].base > r.base; at--)
			boot.ranges[at] = boot.ranges[at - 1];
		boot.ranges[at] = r;
		boot.range_count++;
	}
}

/* An address of /chosen, of one cell or two. */
static bool chosen_address(const char *name, uint64_t *ret)
{
	int chosen = dt_path("/chosen");
	uint32_t first, second;

	if (!dt_cell(chosen, name, 0, &first))
		return false;
	*ret = dt_cell(chosen, name, 1, &second) ? (uint64_t)first << 32 | second : first;
	return true;
}

void boot_init(void)
{
	const void *blob = (const void *)entry_states[0].x[0];
	uint64_t start, end;
	const char *model;
	int depth = -1;

	if (!dt_init(blob ? blob : (const void *)RAM_BASE))
		panic("no device tree at %p", blob);
	boot.protocol = "devicetree";
	model = dt_string(0, "model");
	boot.loader = model ? model : "";
	set_cmdline(dt_string(dt_path("/chosen"), "bootargs"));
	for (int i = dt_next(-1, &depth); i >= 0; i = dt_next(i, &depth)) {
		const char *type = dt_string(i, "device_type");

		if (type && strcmp(type, "memory") == 0)
			add_ranges(i, MEMORY_RAM);
		else if (strcmp(dt_name(dt_parent(i)), "reserved-memory") == 0)
			add_ranges(i, MEMORY_RESERVED);
	}
	if (chosen_address("linux,initrd-start", &start) &&
		chosen_address("linux,initrd-end", &end) && end > start) {
		boot.modules[0] = (struct boot_module){(const void *)start, end - start, "initrd"};
		boot.module_count = 1;
	}
}

void arch_init(void)
{
	console_init();
	boot_init();
	console_init();
	mmu_init();
	psci_init();
	control_init();
	time_init();
	gic_init();
	gic_init_cpu();
	__asm__ volatile("msr daifclr, #4"); /* an SError is to come where it is made */
}
