/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interrupt controller as software uses it [IHI 0069, IHI 0048]: interrupts from a CPU to
 * itself and to others, shared ones made pending by software, level and edge, on the CPU they are
 * routed to, and held back while they are off. cpus= says how many CPUs there are.
 */
#include "../check.h"
#include "arm64.h"
#include "seen.h"

#define GICD_TYPER   0x004
#define GICD_ISPENDR 0x200
#define GICD_SGIR    0xF00
#define SGIR_OTHERS  (1 << 24)
#define SGI1R_OTHERS (UINT64_C(1) << 40)
#define SPI_FREE     (GIC_SPI + 100) /* no device's */
#define SPI_OTHER    (GIC_SPI + 101)
#define SGI_OTHERS   3

static volatile unsigned ready;

static void on_interrupt(void)
{
	unsigned cpu = cpu_id();

	seen[cpu] = seen[cpu] + 1;
}

static void make_pending(unsigned intid)
{
	mmio_write32(gic_distributor() + GICD_ISPENDR + intid / 32 * 4, 1U << intid % 32);
}

static void check_own(void)
{
	unsigned good = 0;

	for (unsigned sgi = 0; sgi < GIC_SGI_IPI; sgi++) {
		seen[0] = 0;
		gic_set(sgi, true, on_interrupt);
		gic_send(0, sgi);
		good += wait_seen(0, 1);
	}
	check(good == GIC_SGI_IPI, "%u interrupts that this CPU sends to itself", good);
}

static void check_shared(void)
{
	uint32_t typer = mmio_read32(gic_distributor() + GICD_TYPER);

	check(32 * ((typer & 31) + 1) > SPI_OTHER, "GICv%u with %u interrupts", gic_version(),
		32 * ((typer & 31) + 1));
	seen[0] = 0;
	gsi_set(SPI_FREE - GIC_SPI, on_interrupt);
	make_pending(SPI_FREE);
	check(wait_seen(0, 1), "one made pending by software, edge-triggered");
	gic_set(SPI_FREE, false, on_interrupt);
	make_pending(SPI_FREE);
	check(wait_seen(0, 2), "the same, by level: once");
	gsi_set(SPI_FREE - GIC_SPI, NULL);
	make_pending(SPI_FREE);
	check(gic_is_pending(SPI_FREE) && !wait_seen(0, 3) && seen[0] == 2,
		"while it is off it stays pending");
	gsi_set(SPI_FREE - GIC_SPI, on_interrupt);
	check(!gic_is_pending(SPI_FREE) && seen[0] == 2, "and is gone when that is cleared");
}

static void other_cpu(unsigned cpu)
{
	gic_set(SGI_OTHERS, true, on_interrupt);
	if (cpu == 1)
		gic_set(SPI_OTHER, true, on_interrupt);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (seen[cpu] < (cpu == 1 ? 2 : 1))
		cpu_wait();
}

static void send_to_others(void)
{
	dsb();
	if (gic_version() == 3)
		sysreg_write(icc_sgi1r_el1, SGI1R_OTHERS | (uint64_t)SGI_OTHERS << 24);
	else
		mmio_write32(gic_distributor() + GICD_SGIR, SGIR_OTHERS | SGI_OTHERS);
}

static void check_others(unsigned cpus)
{
	unsigned good = 0;

	gic_set(SGI_OTHERS, true, on_interrupt);
	check(cpus_start(other_cpu) == cpus, "%u CPUs run", cpus);
	while (ready < cpus - 1)
		cpu_relax();
	for (unsigned i = 0; i < cpus; i++)
		seen[i] = 0;
	send_to_others();
	for (unsigned i = 1; i < cpus; i++)
		good += wait_seen(i, 1);
	check(good == cpus - 1 && seen[0] == 0, "one to all others: %u CPUs", good);
	make_pending(SPI_OTHER);
	check(wait_seen(1, 2), "a shared one on the CPU that it is routed to");
	cpus_join();
}

int guest_main(void)
{
	unsigned cpus = (unsigned)cmdline_number("cpus", 1);

	check_own();
	check_shared();
	if (cpus > 1)
		check_others(cpus);
	return checks_failed();
}
