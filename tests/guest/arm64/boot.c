/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the boot CPU is entered, as Linux wants it [Linux Documentation/arm64/booting.rst], and what
 * the device tree tells. The command line says what to expect: initrd= (its size), gic= (2 or 3),
 * tree= (where the tree is), cpus=.
 */
#include "../check.h"
#include "arch.h"
#include "arm64.h"

#define EL1         (1 << 2)
#define DAIF_ALL    0x3C0
#define SCTLR_M_C_I 0x1005
#define SCTLR_EE    (1 << 25)
#define BLOCK       UINT64_C(0x200000)
#define SEED_SIZE   32

static bool in_ram(uint64_t address, uint64_t size)
{
	struct memory_range r;

	for (unsigned i = 0; memory_map(i, &r); i++)
		if (r.type == MEMORY_RAM && address >= r.base && address + size <= r.base + r.size)
			return true;
	return false;
}

static void check_state(void)
{
	const struct entry_state *s = &entry_states[0];

	check(s->x[0] && s->x[0] % 8 == 0, "X0 is the device tree's address, 0x%lx", s->x[0]);
	check(s->x[1] == 0 && s->x[2] == 0 && s->x[3] == 0, "X1 to X3 are 0");
	check(s->current_el == EL1 && s->sp_sel == 1, "EL1h");
	check(s->daif == DAIF_ALL, "D, A, I and F are masked");
	check((s->sctlr & (SCTLR_M_C_I | SCTLR_EE)) == 0,
		"SCTLR_EL1 is 0x%lx: MMU and caches off, little-endian", s->sctlr);
}

static void check_places(void)
{
	extern uint8_t image_start[], image_end[];
	struct boot_module m;
	uint32_t size;
	uint64_t tree = (uint64_t)dt_blob(&size), wanted = cmdline_number("tree", tree);

	check(tree == wanted && in_ram(tree, size), "the device tree: %u bytes at 0x%lx", size,
		tree);
	check(size <= BLOCK && tree / BLOCK == (tree + size - 1) / BLOCK,
		"it crosses no border of 2 MiB");
	check(tree + size <= (uint64_t)image_start || tree >= (uint64_t)image_end,
		"and is not in the image");
	check(boot_module(0, &m) == (cmdline_number("initrd", 0) != 0), "an initrd, or none");
	if (!boot_module(0, &m))
		return;
	check(m.size == cmdline_number("initrd", 0) && in_ram((uint64_t)m.data, m.size),
		"initrd: %zu bytes at %p", m.size, m.data);
	check((uint64_t)m.data + m.size <= tree || (uint64_t)m.data >= tree + size,
		"it is apart from the tree");
	check(memcmp(m.data, "initrd", 6) == 0, "and is there");
}

static void check_chosen(void)
{
	int chosen = dt_path("/chosen");
	uint32_t size = 0, first = 0, second = 0;
	const uint8_t *seed = dt_property(chosen, "rng-seed", &size);
	unsigned sum = 0;

	for (uint32_t i = 0; seed && i < size; i++)
		sum |= seed[i];
	check(size == SEED_SIZE && sum, "a seed for random numbers");
	check(dt_cell(chosen, "kaslr-seed", 0, &first) &&
			dt_cell(chosen, "kaslr-seed", 1, &second) && (first || second),
		"a seed for the kernel's place");
	check(dt_path(dt_string(chosen, "stdout-path")) == dt_compatible(-1, "arm,pl011"),
		"output goes to the first PL011");
	kprintf("command line \"%s\"\n", cmdline());
}

static void check_nodes(void)
{
	static const char *const devices[] = {
		"arm,pl011", "arm,pl031", "arm,pl061", "arm,armv8-timer", "arm,primecell"};
	unsigned gic = (unsigned)cmdline_number("gic", gic_version());
	int cpus = dt_path("/cpus"), depth = 0;
	unsigned methods = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
		check(dt_compatible(-1, devices[i]) >= 0, "there is a device %s", devices[i]);
	check(gic_version() == gic, "GICv%u", gic_version());
	for (int i = dt_next(cpus, &depth); i >= 0 && depth > 0; i = dt_next(i, &depth)) {
		const char *method = dt_string(i, "enable-method");

		methods += method && strcmp(method, "psci") == 0;
	}
	check(cpu_count() == cmdline_number("cpus", 1) && methods == cpu_count(),
		"%u CPUs, each started by PSCI", cpu_count());
	check(dt_string(dt_path("/psci"), "method"), "PSCI has a method");
	check(dt_path("/gpio-keys/poweroff") >= 0, "there is a power button");
}

int guest_main(void)
{
	check_state();
	check_places();
	check_chosen();
	check_nodes();
	return checks_failed();
}
