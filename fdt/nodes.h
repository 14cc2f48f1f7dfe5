/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tree's parts share: what they are emitted from, and how they refer to each other. */
#ifndef FDT_NODES_H
#define FDT_NODES_H

#include "fdt/fdt.h"
#include "fdt/tree.h"

/* Where virt's start too, but one. */
enum tree_phandle {
	PHANDLE_V2M = 0x7FFF,
	PHANDLE_CLOCK = 0x8000,
	PHANDLE_GIC,
	PHANDLE_ITS,
	PHANDLE_GPIO,
	PHANDLE_CPU0, /* the others follow */
};

/* Interrupt specifiers [Linux Documentation/devicetree/bindings/interrupt-controller/arm,gic*]. */
enum { GIC_SPI, GIC_PPI };
enum { GIC_EDGE_RISING = 1, GIC_LEVEL_HIGH = 4 };

/* nodes.c: the processors, their interrupt controller, timers and memory. */
void nodes_emit_memory(struct tree *t, const struct machine *m);
void nodes_emit_cpus(struct tree *t, const struct machine *m);
void nodes_emit_psci(struct tree *t, const struct machine *m);
void nodes_emit_timer(struct tree *t, const struct machine *m);
void nodes_emit_pmu(struct tree *t, const struct machine *m);
void nodes_emit_gic(struct tree *t, const struct machine *m);
void nodes_emit_mappings(struct tree *t, const struct machine *m);

/* pci.c: the host bridge, if there is one. */
void pci_emit_node(struct tree *t, const struct machine *m);

/* devices.c: those of struct machine that have a class with fdt_compatible. */
void devices_emit(struct tree *t, const struct machine *m);
/* The path of the console's serial port into BUF, which has TREE_PATH_MAX bytes; "" if none. */
void devices_console(const struct machine *m, char *buf);

#endif
