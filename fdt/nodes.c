/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every arm64 machine has: memory, processors [Devicetree Specification 0.4 3.4, 3.8], PSCI,
 * timer, performance monitor and interrupt controller, by the bindings of Linux and as QEMU's virt
 * board names them. Left out: caches, idle states, operating points, NUMA: the guest shares those
 * of the host and can do nothing about them.
 */
#include "fdt/nodes.h"
#include "vmm/layout_arm64.h"

#include <inttypes.h>
#include <string.h>

void nodes_emit_memory(struct tree *t, const struct machine *m)
{
	for (unsigned i = 0; i < m->range_count; i++) {
		const struct machine_range *r = &m->ranges[i];

		if (r->type != RANGE_RAM)
			continue;
		tree_begin(t, "memory@%" PRIx64, r->base);
		tree_string(t, "device_type", "memory");
		TREE_CELLS(t, "reg", TREE_PAIR(r->base), TREE_PAIR(r->size));
		tree_end(t);
	}
}

/* One socket, one cluster, as virt has it: cores of one thread each. */
static void emit_cpu_map(struct tree *t, unsigned vcpus)
{
	tree_begin(t, "cpu-map");
	tree_begin(t, "socket0");
	tree_begin(t, "cluster0");
	for (unsigned i = 0; i < vcpus; i++) {
		tree_begin(t, "core%u", i);
		TREE_CELLS(t, "cpu", PHANDLE_CPU0 + i);
		tree_end(t);
	}
	tree_end(t);
	tree_end(t);
	tree_end(t);
}

void nodes_emit_cpus(struct tree *t, const struct machine *m)
{
	tree_begin(t, "cpus");
	TREE_CELLS(t, "#address-cells", 1);
	TREE_CELLS(t, "#size-cells", 0);
	emit_cpu_map(t, m->vcpus);
	for (unsigned i = 0; i < m->vcpus; i++) {
		tree_begin(t, "cpu@%x", arm64_mpidr(i));
		tree_label(t, PHANDLE_CPU0 + i, "cpu%u", i);
		tree_string(t, "device_type", "cpu");
		/* Whatever the host's is: guests tell by MIDR_EL1. */
		tree_string(t, "compatible", "arm,arm-v8");
		tree_string(t, "enable-method", "psci");
		TREE_CELLS(t, "reg", arm64_mpidr(i));
		tree_end(t);
	}
	tree_end(t);
}

void nodes_emit_psci(struct tree *t, const struct machine *m)
{
	tree_begin(t, "psci");
	if (m->arm64.psci >> 16)
		TREE_STRINGS(t, "compatible", "arm,psci-1.0\0arm,psci-0.2");
	else
		tree_string(t, "compatible", "arm,psci-0.2");
	/* At EL2 the guest's HVC goes to itself. */
	tree_string(t, "method", m->nested ? "smc" : "hvc");
	tree_end(t);
}

/* The flags of a private interrupt. GICv2 has a mask of CPUs there. */
static uint32_t ppi_flags(const struct machine *m)
{
	uint32_t cpus = m->arm64.gic == MACHINE_GIC_V2 ? ((uint32_t)1 << m->vcpus) - 1 : 0;

	return cpus << 8 | GIC_LEVEL_HIGH;
}

void nodes_emit_timer(struct tree *t, const struct machine *m)
{
	uint32_t flags = ppi_flags(m);
	/* In the order of the binding; the last, of EL2's virtual timer, is for a guest there. */
	const uint32_t interrupts[] = {GIC_PPI, ARM64_PPI_SECURE_TIMER, flags, GIC_PPI,
		ARM64_PPI_PHYS_TIMER, flags, GIC_PPI, ARM64_PPI_VIRT_TIMER, flags, GIC_PPI,
		ARM64_PPI_HYP_TIMER, flags, GIC_PPI, ARM64_PPI_HYP_VIRT_TIMER, flags};

	tree_begin(t, "timer");
	TREE_STRINGS(t, "compatible", "arm,armv8-timer\0arm,armv7-timer");
	tree_flag(t, "always-on"); /* no vCPU sleeps so deep that it stops */
	tree_cells(t, "interrupts", interrupts, ARRAY_SIZE(interrupts) - (m->nested ? 0 : 3));
	tree_end(t);
}

void nodes_emit_pmu(struct tree *t, const struct machine *m)
{
	if (m->arm64.pmu != MACHINE_ON)
		return;
	tree_begin(t, "pmu");
	tree_label(t, 0, "pmu");
	tree_string(t, "compatible", "arm,armv8-pmuv3");
	TREE_CELLS(t, "interrupts", GIC_PPI, ARM64_PPI_PMU, ppi_flags(m));
	tree_end(t);
}

static void emit_its(struct tree *t)
{
	tree_begin(t, "its@%x", ARM64_ITS_BASE);
	tree_label(t, PHANDLE_ITS, "its");
	tree_string(t, "compatible", "arm,gic-v3-its");
	tree_flag(t, "msi-controller");
	TREE_CELLS(t, "#msi-cells", 1);
	TREE_CELLS(t, "reg", TREE_PAIR(ARM64_ITS_BASE), TREE_PAIR(ARM64_ITS_SIZE));
	tree_end(t);
}

/* What takes messages in place of an ITS. */
static void emit_v2m(struct tree *t)
{
	tree_begin(t, "v2m@%x", ARM64_V2M_BASE);
	tree_label(t, PHANDLE_V2M, "v2m");
	tree_string(t, "compatible", "arm,gic-v2m-frame");
	tree_flag(t, "msi-controller");
	TREE_CELLS(t, "reg", TREE_PAIR(ARM64_V2M_BASE), TREE_PAIR(ARM64_V2M_SIZE));
	tree_end(t);
}

void nodes_emit_gic(struct tree *t, const struct machine *m)
{
	bool v2 = m->arm64.gic == MACHINE_GIC_V2;

	tree_begin(t, "intc@%x", ARM64_GICD_BASE);
	tree_label(t, PHANDLE_GIC, "intc");
	tree_string(t, "compatible", v2 ? "arm,cortex-a15-gic" : "arm,gic-v3");
	TREE_CELLS(t, "#interrupt-cells", 3);
	tree_flag(t, "interrupt-controller");
	TREE_CELLS(t, "#address-cells", 2);
	TREE_CELLS(t, "#size-cells", 2);
	tree_flag(t, "ranges");
	if (v2) {
		TREE_CELLS(t, "reg", TREE_PAIR(ARM64_GICD_BASE), TREE_PAIR(ARM64_GICD_SIZE),
			TREE_PAIR(ARM64_GICC_BASE), TREE_PAIR(ARM64_GICC_SIZE));
	} else {
		TREE_CELLS(t, "#redistributor-regions", 1);
		TREE_CELLS(t, "reg", TREE_PAIR(ARM64_GICD_BASE), TREE_PAIR(ARM64_GICD_SIZE),
			TREE_PAIR(ARM64_GICR_BASE), TREE_PAIR(ARM64_GICR_SIZE));
	}
	if (m->nested)
		TREE_CELLS(t, "interrupts", GIC_PPI, ARM64_PPI_MAINTENANCE, ppi_flags(m));
	if (!v2 && m->arm64.its == MACHINE_ON)
		emit_its(t);
	if (machine_has_v2m(m))
		emit_v2m(t);
	tree_end(t);
}

/* What a guest finds a mapping by. */
static const struct mapping_name {
	const char *what; /* struct machine_mapping's */
	const char *node;
	const char *compatible;
} mapping_names[] = {
	{"status page", "status", "bulkhead,status"},
};

static void emit_mapping(struct tree *t, const struct machine_mapping *map)
{
	static const struct mapping_name other = {"", "memory", "bulkhead,memory"};
	const struct mapping_name *name = &other;

	for (size_t i = 0; i < ARRAY_SIZE(mapping_names); i++) {
		if (!strcmp(map->what, mapping_names[i].what))
			name = &mapping_names[i];
	}
	tree_begin(t, "%s@%" PRIx64, name->node, map->base);
	if (name != &other) /* of those there may be several */
		tree_label(t, 0, "%s", name->node);
	tree_string(t, "compatible", name->compatible);
	TREE_CELLS(t, "reg", TREE_PAIR(map->base), TREE_PAIR(map->size));
	tree_flag(t, "no-map");
	tree_end(t);
}

void nodes_emit_mappings(struct tree *t, const struct machine *m)
{
	if (!m->mapping_count)
		return;
	tree_begin(t, "reserved-memory");
	TREE_CELLS(t, "#address-cells", 2);
	TREE_CELLS(t, "#size-cells", 2);
	tree_flag(t, "ranges");
	for (unsigned i = 0; i < m->mapping_count; i++)
		emit_mapping(t, &m->mappings[i]);
	tree_end(t);
}
