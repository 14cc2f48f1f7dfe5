/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Interrupt Translation Service [IHI 0069 5]: an event of a device is mapped to an LPI, which
 * comes on the CPU of its collection, goes with it to another, and is held back while it is off.
 * cpus= says how many CPUs there are. its=off: there is no ITS in the tree.
 */
#include "its.h"
#include "../check.h"
#include "arm64.h"
#include "seen.h"

#define TABLE 0x10000 /* a page, of whatever size */

#define ID_BITS    14
#define DEVICE     UINT64_C(5)
#define EVENT      UINT64_C(3)
#define EVENT_BITS 4
#define INTID      (GIC_LPI + 7)

static uint8_t tables[8][TABLE] __attribute__((aligned(TABLE)));
static uint8_t pending[2][TABLE] __attribute__((aligned(TABLE)));
static uint8_t properties[1 << ID_BITS] __attribute__((aligned(4096)));
static uint64_t queue[4096 / 8] __attribute__((aligned(TABLE)));
static uint8_t translation[4096] __attribute__((aligned(4096)));

static uint64_t its;
static unsigned queued; /* dwords */
static volatile unsigned last_intid, ready;

static void on_lpi(unsigned intid)
{
	unsigned cpu = cpu_id();

	last_intid = intid;
	seen[cpu] = seen[cpu] + 1;
}

/* How a command names a CPU's redistributor. */
static uint64_t target(unsigned cpu)
{
	uint64_t base = gic_redistributor(cpu);

	if (mmio_read64(its + GITS_TYPER) & TYPER_PTA)
		return base;
	return (mmio_read64(base + GICR_TYPER) >> 8 & 0xFFFF) << 16;
}

/* Executes a command; false when the ITS does not get past it. */
static bool command(uint64_t d0, uint64_t d1, uint64_t d2)
{
	uint64_t start = time_ns(), end;

	queue[queued] = d0;
	queue[queued + 1] = d1;
	queue[queued + 2] = d2;
	queue[queued + 3] = 0;
	queued = (queued + 4) % ARRAY_SIZE(queue);
	end = queued * sizeof(queue[0]);
	dsb();
	mmio_write64(its + GITS_CWRITER, end);
	while (mmio_read64(its + GITS_CREADR) != end)
		if (time_ns() - start > SEEN_LIMIT)
			return false;
	return true;
}

static bool for_event(unsigned kind, uint64_t d1, uint64_t d2)
{
	return command(kind | DEVICE << 32, EVENT | d1, d2);
}

static bool sync(unsigned cpu)
{
	return command(CMD_SYNC, 0, target(cpu));
}

/* This CPU's LPIs. */
static void lpis_on(void)
{
	unsigned cpu = cpu_id();
	uint64_t base = gic_redistributor(cpu);

	mmio_write64(base + GICR_PROPBASER, (uint64_t)properties | GICR_CACHEABLE | (ID_BITS - 1));
	mmio_write64(
		base + GICR_PENDBASER, (uint64_t)pending[cpu] | GICR_CACHEABLE | PENDBASER_CLEAR);
	mmio_write32(base + GICR_CTLR, CTLR_LPIS);
	dsb();
}

static void its_on(void)
{
	unsigned types = 0;

	for (unsigned i = 0; i < 8; i++) {
		uint64_t at = its + GITS_BASER + 8 * i, is = mmio_read64(at);

		if (!BASER_TYPE(is))
			continue;
		types++;
		mmio_write64(at,
			(is & BASER_KEPT) | (uint64_t)tables[i] | BASER_CACHEABLE | BASER_VALID);
	}
	check(types >= 2, "the ITS wants %u tables", types);
	mmio_write64(its + GITS_CBASER, (uint64_t)queue | BASER_CACHEABLE | BASER_VALID);
	mmio_write64(its + GITS_CWRITER, 0);
	mmio_write32(its + GITS_CTLR, 1);
	check(mmio_read32(its + GITS_CTLR) & 1, "it is on");
}

static void check_event(void)
{
	properties[INTID - GIC_LPI] = LPI_ON;
	check(command(CMD_MAPC, 0, BASER_VALID | target(0)), "MAPC: collection 0 is of CPU 0");
	check(command(CMD_MAPD | DEVICE << 32, EVENT_BITS - 1, BASER_VALID | (uint64_t)translation),
		"MAPD: the device");
	check(for_event(CMD_MAPTI, (uint64_t)INTID << 32, 0), "MAPTI: its event is LPI %u", INTID);
	check(for_event(CMD_INV, 0, 0) && sync(0), "INV, SYNC");
	check(for_event(CMD_INT, 0, 0) && wait_seen(0, 1) && last_intid == INTID,
		"the event comes");
	properties[INTID - GIC_LPI] = LPI_OFF;
	check(for_event(CMD_INV, 0, 0) && sync(0) && for_event(CMD_INT, 0, 0) && !wait_seen(0, 2) &&
			seen[0] == 1,
		"while it is off it does not");
	properties[INTID - GIC_LPI] = LPI_ON;
	check(for_event(CMD_INV, 0, 0) && sync(0) && wait_seen(0, 2),
		"and does when it is on again");
}

static void other_cpu(unsigned cpu)
{
	if (cpu != 1)
		return;
	lpis_on();
	ready = 1;
	while (!seen[1])
		cpu_wait();
}

static void check_other(void)
{
	cpus_start(other_cpu);
	while (!ready)
		cpu_relax();
	check(command(CMD_MAPC, 0, BASER_VALID | target(1) | 1), "MAPC: collection 1 is of CPU 1");
	check(for_event(CMD_MOVI, 0, 1) && sync(0) && sync(1), "MOVI: the event goes there");
	check(for_event(CMD_INT, 0, 0) && wait_seen(1, 1) && seen[0] == 2, "it comes there");
	cpus_join();
}

int guest_main(void)
{
	int node = dt_compatible(-1, "arm,gic-v3-its");
	char wanted[8] = "on";
	uint64_t size;

	cmdline_get("its", wanted, sizeof(wanted));
	if (strcmp(wanted, "off") == 0) {
		check(node < 0, "no ITS in the tree");
		return checks_failed();
	}
	check(dt_reg(node, 0, &its, &size), "an ITS at 0x%lx", its);
	if (checks_failed())
		return 1;
	gic_set_lpi(on_lpi);
	lpis_on();
	its_on();
	check_event();
	if (cpu_count() > 1)
		check_other();
	check(for_event(CMD_DISCARD, 0, 0) && for_event(CMD_INT, 0, 0) && !wait_seen(0, 3) &&
			seen[0] == 2,
		"DISCARD: the event is nobody's");
	return checks_failed();
}
