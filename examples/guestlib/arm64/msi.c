/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI on arm64: ECAM from the device tree; messages to an ITS [IHI 0069 5], where each vector of a
 * function is an event of its device and becomes an LPI, or to a GICv2m frame [SBSA 3.1 appendix
 * E], where it is an SPI. All on CPU 0.
 */
#include "arm64.h"
#include "its.h"
#include "pci.h"

#define VECTORS_MAX 32

static void (*handlers[VECTORS_MAX])(void);
static struct {
	unsigned devfn, event;
} owners[VECTORS_MAX];

uint64_t pci_ecam(void)
{
	int node = dt_compatible(-1, "pci-host-ecam-generic");
	uint64_t base, size;

	return node >= 0 && dt_reg(node, 0, &base, &size) ? base : 0;
}

/* ---- GICv2m ---- */

#define V2M_TYPER  0x008
#define V2M_SETSPI 0x040

static bool v2m_route(uint64_t frame, unsigned i, uint64_t *ret_address, uint32_t *ret_data)
{
	uint32_t typer = mmio_read32(frame + V2M_TYPER);
	unsigned intid = (typer >> 16 & 0x3FF) + i;

	if (i >= (typer & 0x3FF))
		return false;
	gic_set(intid, true, handlers[i]);
	*ret_address = frame + V2M_SETSPI;
	*ret_data = intid;
	return true;
}

/* ---- ITS ---- */

#define TABLE 0x10000 /* a page, of whatever size */

#define ID_BITS       14
#define EVENT_BITS    6
#define COMMAND_LIMIT NS_PER_S

static uint8_t tables[8][TABLE] __attribute__((aligned(TABLE)));
static uint8_t pending[TABLE] __attribute__((aligned(TABLE)));
static uint8_t properties[1 << ID_BITS] __attribute__((aligned(4096)));
static uint64_t queue[4096 / 8] __attribute__((aligned(TABLE)));
static uint8_t translations[VECTORS_MAX][1024] __attribute__((aligned(4096)));

static uint64_t its;
static unsigned queued; /* dwords */

static void on_lpi(unsigned intid)
{
	unsigned i = intid - GIC_LPI;

	if (i < VECTORS_MAX && handlers[i])
		handlers[i]();
}

static void command(uint64_t d0, uint64_t d1, uint64_t d2)
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
		if (time_ns() - start > COMMAND_LIMIT)
			panic("the ITS does not get past command 0x%lx", d0 & 0xFF);
}

/* How a command names CPU 0's redistributor. */
static uint64_t target(void)
{
	uint64_t base = gic_redistributor(0);

	if (mmio_read64(its + GITS_TYPER) & TYPER_PTA)
		return base;
	return (mmio_read64(base + GICR_TYPER) >> 8 & 0xFFFF) << 16;
}

static void its_init(uint64_t base)
{
	uint64_t redistributor = gic_redistributor(0);

	its = base;
	gic_set_lpi(on_lpi);
	mmio_write64(redistributor + GICR_PROPBASER,
		(uint64_t)properties | GICR_CACHEABLE | (ID_BITS - 1));
	mmio_write64(redistributor + GICR_PENDBASER,
		(uint64_t)pending | GICR_CACHEABLE | PENDBASER_CLEAR);
	mmio_write32(redistributor + GICR_CTLR, CTLR_LPIS);
	dsb();
	for (unsigned i = 0; i < 8; i++) {
		uint64_t at = its + GITS_BASER + 8 * i, is = mmio_read64(at);

		if (BASER_TYPE(is))
			mmio_write64(at, (is & BASER_KEPT) | (uint64_t)tables[i] | BASER_CACHEABLE |
						 BASER_VALID);
	}
	mmio_write64(its + GITS_CBASER, (uint64_t)queue | BASER_CACHEABLE | BASER_VALID);
	mmio_write64(its + GITS_CWRITER, 0);
	mmio_write32(its + GITS_CTLR, 1);
	command(CMD_MAPC, 0, BASER_VALID | target());
}

static bool is_mapped(unsigned devfn, unsigned but)
{
	for (unsigned i = 0; i < VECTORS_MAX; i++)
		if (i != but && handlers[i] && owners[i].devfn == devfn)
			return true;
	return false;
}

static void its_route(unsigned i, uint64_t *ret_address, uint32_t *ret_data)
{
	uint64_t device = (uint64_t)owners[i].devfn << 32, event = owners[i].event;

	if (!is_mapped(owners[i].devfn, i))
		command(CMD_MAPD | device, EVENT_BITS - 1, BASER_VALID | (uint64_t)translations[i]);
	properties[i] = LPI_ON;
	command(CMD_MAPTI | device, event | (uint64_t)(GIC_LPI + i) << 32, 0);
	command(CMD_INV | device, event, 0);
	command(CMD_SYNC, 0, target());
	*ret_address = its + GITS_TRANSLATER;
	*ret_data = (uint32_t)event;
}

bool msi_route(unsigned devfn, unsigned event, void (*handler)(void), uint64_t *ret_address,
	uint32_t *ret_data)
{
	int v2m = dt_compatible(-1, "arm,gic-v2m-frame"), node;
	uint64_t base, size;
	unsigned i = 0;

	while (i < VECTORS_MAX && handlers[i] &&
		(owners[i].devfn != devfn || owners[i].event != event))
		i++;
	if (i == VECTORS_MAX || event >= 1 << EVENT_BITS)
		return false;
	owners[i].devfn = devfn;
	owners[i].event = event;
	handlers[i] = handler;
	if (v2m >= 0)
		return dt_reg(v2m, 0, &base, &size) && v2m_route(base, i, ret_address, ret_data);
	node = dt_compatible(-1, "arm,gic-v3-its");
	if (node < 0 || !dt_reg(node, 0, &base, &size))
		return false;
	if (!its)
		its_init(base);
	its_route(i, ret_address, ret_data);
	return true;
}
