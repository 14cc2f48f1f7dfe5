/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interrupt controller that the device tree names: GICv3 by system registers [IHI 0069], or
 * GICv2 [IHI 0048]. All interrupts are of one group and one priority. Left out: setting up an ITS,
 * virtual interfaces, routing of one interrupt to several CPUs.
 */
#include "arm64.h"

/* Distributor. */
#define GICD_CTLR       0x0000
#define GICD_IGROUPR    0x0080 /* a bit per interrupt, as the four below */
#define GICD_ISENABLER  0x0100
#define GICD_ICENABLER  0x0180
#define GICD_ISPENDR    0x0200
#define GICD_ICPENDR    0x0280
#define GICD_IPRIORITYR 0x0400 /* a byte per interrupt */
#define GICD_ITARGETSR  0x0800
#define GICD_ICFGR      0x0C00 /* two bits per interrupt: 2 is edge */
#define GICD_SGIR       0x0F00
#define GICD_IROUTER    0x6000 /* eight bytes per interrupt */

#define CTLR_GICV2_ON   0x01
#define CTLR_GICV3_ON   0x12 /* group 1, affinity routing */
#define CTLR_RWP        0x80000000
#define PRIORITIES      0xA0A0A0A0
#define PRIORITY_LOWEST 0xFF

/* A redistributor: 64 KiB of its own, 64 KiB for the private interrupts. */
#define GICR_TYPER   0x0008
#define GICR_WAKER   0x0014
#define GICR_SGI     0x10000
#define GICR_SIZE    0x20000
#define TYPER_VLPIS  2 /* twice as large then */
#define TYPER_LAST   0x10
#define WAKER_SLEEP  2
#define WAKER_ASLEEP 4
#define REGIONS_MAX  4

/* GICv2's CPU interface. */
#define GICC_CTLR 0x00
#define GICC_PMR  0x04
#define GICC_IAR  0x0C
#define GICC_EOIR 0x10

static unsigned version;
static uint64_t distributor, cpu_interface;
static uint64_t redistributors[GUEST_CPUS_MAX];
static uint8_t targets[GUEST_CPUS_MAX]; /* GICv2: each CPU's bit */
static void (*handlers[GIC_INTIDS])(void);
static void (*lpi_handler)(unsigned intid);
static int gic_node;

static void ipi_nobody(void)
{
}

unsigned gic_version(void)
{
	return version;
}

uint64_t gic_distributor(void)
{
	return distributor;
}

uint64_t gic_redistributor(unsigned cpu)
{
	return redistributors[cpu];
}

/* Where the registers of INTID are: a private one's are in the redistributor of this CPU. */
static uint64_t registers_of(unsigned intid)
{
	if (version == 3 && intid < GIC_SPI)
		return redistributors[cpu_id()] + GICR_SGI;
	return distributor;
}

static unsigned bit_of(unsigned reg, unsigned intid)
{
	return reg + intid / 32 * 4;
}

void gic_init(void)
{
	uint64_t size;

	gic_node = dt_compatible(-1, "arm,gic-v3");
	version = gic_node < 0 ? 2 : 3;
	if (version == 2 && (gic_node = dt_compatible(-1, "arm,cortex-a15-gic")) < 0 &&
		(gic_node = dt_compatible(-1, "arm,gic-400")) < 0)
		panic("no GIC in the device tree");
	if (!dt_reg(gic_node, 0, &distributor, &size) ||
		(version == 2 && !dt_reg(gic_node, 1, &cpu_interface, &size)))
		panic("the GIC has no registers");
	mmio_write32(distributor + GICD_CTLR, 0);
	for (unsigned i = GIC_SPI; version == 3 && i < GIC_INTIDS; i += 32)
		mmio_write32(distributor + bit_of(GICD_IGROUPR, i), UINT32_MAX);
	for (unsigned i = GIC_SPI; i < GIC_INTIDS; i += 4)
		mmio_write32(distributor + GICD_IPRIORITYR + i, PRIORITIES);
	mmio_write32(distributor + GICD_CTLR, version == 3 ? CTLR_GICV3_ON : CTLR_GICV2_ON);
	while (version == 3 && mmio_read32(distributor + GICD_CTLR) & CTLR_RWP)
		cpu_relax();
	handlers[GIC_SGI_IPI] = ipi_nobody;
}

/* This CPU's redistributor in the regions of the tree. */
static uint64_t redistributor_find(void)
{
	uint64_t affinity = sysreg_read(mpidr_el1), base, size;

	affinity = (affinity & 0xFFFFFF) | (affinity >> 8 & 0xFF000000);
	for (unsigned region = 1; region <= REGIONS_MAX; region++) {
		if (!dt_reg(gic_node, region, &base, &size))
			break;
		for (uint64_t at = base; at < base + size; at += GICR_SIZE) {
			uint64_t typer = mmio_read64(at + GICR_TYPER);

			if (typer >> 32 == affinity)
				return at;
			if (typer & TYPER_LAST)
				break;
			if (typer & TYPER_VLPIS)
				at += GICR_SIZE;
		}
	}
	panic("no redistributor for affinity 0x%lx", affinity);
}

static void v3_init_cpu(void)
{
	uint64_t base = redistributor_find();

	redistributors[cpu_id()] = base;
	mmio_write32(base + GICR_WAKER, mmio_read32(base + GICR_WAKER) & ~WAKER_SLEEP);
	while (mmio_read32(base + GICR_WAKER) & WAKER_ASLEEP)
		cpu_relax();
	mmio_write32(base + GICR_SGI + GICD_IGROUPR, UINT32_MAX);
	sysreg_write(icc_sre_el1, sysreg_read(icc_sre_el1) | 1);
	sysreg_write(icc_pmr_el1, PRIORITY_LOWEST);
	sysreg_write(icc_bpr1_el1, 0);
	sysreg_write(icc_ctlr_el1, 0);
	sysreg_write(icc_igrpen1_el1, 1);
}

void gic_init_cpu(void)
{
	uint64_t base;

	if (version == 3)
		v3_init_cpu();
	base = registers_of(0);
	mmio_write32(base + GICD_ICENABLER, UINT32_MAX);
	for (unsigned i = 0; i < GIC_SPI; i += 4)
		mmio_write32(base + GICD_IPRIORITYR + i, PRIORITIES);
	mmio_write32(base + GICD_ISENABLER, 0xFFFF); /* those between CPUs */
	if (version == 3)
		return;
	targets[cpu_id()] = (uint8_t)mmio_read32(distributor + GICD_ITARGETSR);
	mmio_write32(cpu_interface + GICC_PMR, PRIORITY_LOWEST);
	mmio_write32(cpu_interface + GICC_CTLR, 1);
}

static void set_edge(unsigned intid, bool edge)
{
	uint64_t at = registers_of(intid) + GICD_ICFGR + intid / 16 * 4;
	uint32_t bit = 2U << intid % 16 * 2, config = mmio_read32(at);

	mmio_write32(at, edge ? config | bit : config & ~bit);
}

void gic_set(unsigned intid, bool edge, void (*handler)(void))
{
	uint64_t base = registers_of(intid), affinity = cpu_mpidr(cpu_id());

	if (intid >= GIC_INTIDS)
		panic("gic: interrupt %u is beyond what this knows", intid);
	gic_clear(intid);
	if (intid >= GIC_PPI)
		set_edge(intid, edge);
	if (intid >= GIC_SPI && version == 3)
		mmio_write64(distributor + GICD_IROUTER + 8 * intid, affinity);
	else if (intid >= GIC_SPI)
		mmio_write8(distributor + GICD_ITARGETSR + intid, targets[cpu_id()]);
	__atomic_store_n(&handlers[intid], handler, __ATOMIC_RELEASE);
	mmio_write32(base + bit_of(GICD_ISENABLER, intid), 1U << intid % 32);
}

void gic_clear(unsigned intid)
{
	uint64_t base = registers_of(intid);

	mmio_write32(base + bit_of(GICD_ICENABLER, intid), 1U << intid % 32);
	while (version == 3 && mmio_read32(base) & (intid < GIC_SPI ? 0 : CTLR_RWP))
		cpu_relax();
	mmio_write32(base + bit_of(GICD_ICPENDR, intid), 1U << intid % 32);
}

bool gic_is_pending(unsigned intid)
{
	return mmio_read32(registers_of(intid) + bit_of(GICD_ISPENDR, intid)) >> intid % 32 & 1;
}

void gic_send(unsigned cpu, unsigned sgi)
{
	uint64_t mpidr = cpu_mpidr(cpu);

	dsb(); /* what was written before is there when it comes */
	if (version == 3)
		sysreg_write(icc_sgi1r_el1, UINT64_C(1) << (mpidr & 15) | (mpidr & 0xF0) << 40 |
						    (mpidr >> 8 & 0xFF) << 16 |
						    (mpidr >> 16 & 0xFF) << 32 |
						    (uint64_t)sgi << 24);
	else
		mmio_write32(distributor + GICD_SGIR, (uint32_t)targets[cpu] << 16 | sgi);
}

void gic_set_lpi(void (*handler)(unsigned intid))
{
	lpi_handler = handler;
}

static void handle(unsigned intid)
{
	if (intid >= GIC_LPI && lpi_handler)
		lpi_handler(intid);
	else if (intid < GIC_INTIDS && handlers[intid])
		__atomic_load_n(&handlers[intid], __ATOMIC_ACQUIRE)();
	else
		panic("interrupt %u, which nobody wants", intid);
}

void gic_handle(void)
{
	for (;;) {
		uint32_t iar = version == 3 ? (uint32_t)sysreg_read(icc_iar1_el1)
					    : mmio_read32(cpu_interface + GICC_IAR);
		unsigned intid = version == 3 ? iar : iar & 0x3FF;

		if (intid >= GIC_SPURIOUS && intid < GIC_LPI)
			return;
		dsb();
		handle(intid);
		if (version == 3)
			sysreg_write(icc_eoir1_el1, iar);
		else
			mmio_write32(cpu_interface + GICC_EOIR, iar);
	}
}

void gsi_set(unsigned gsi, void (*handler)(void))
{
	if (handler)
		gic_set(GIC_SPI + gsi, true, handler);
	else
		gic_clear(GIC_SPI + gsi);
}

void ipi_set(void (*handler)(void))
{
	__atomic_store_n(&handlers[GIC_SGI_IPI], handler, __ATOMIC_RELEASE);
}

void ipi_send(unsigned cpu)
{
	gic_send(cpu, GIC_SGI_IPI);
}
