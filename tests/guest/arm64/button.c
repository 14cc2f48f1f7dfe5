/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The power button, a pin of the PL061 [ARM DDI 0190]: waits for somebody to press it, and ends the
 * partition then.
 */
#include "../check.h"
#include "arm64.h"

#define REG_DATA 0x000 /* at 4 * the pins that an access is about */
#define REG_IS   0x404
#define REG_IBE  0x408
#define REG_IEV  0x40C
#define REG_IE   0x410
#define REG_MIS  0x418
#define REG_IC   0x41C

static uint64_t base;
static uint32_t pin;
static volatile uint32_t status;

static void on_press(void)
{
	status = mmio_read32(base + REG_MIS);
	mmio_write32(base + REG_IC, pin);
}

int guest_main(void)
{
	int node = dt_compatible(-1, "arm,pl061");
	uint32_t line = 0;
	uint64_t size;

	check(dt_cell(dt_path("/gpio-keys/poweroff"), "gpios", 1, &line) && line < 8 &&
			dt_reg(node, 0, &base, &size),
		"the button is pin %u at 0x%lx", line, base);
	pin = 1U << line;
	check(mmio_read32(base + REG_DATA + 4 * pin) == 0, "nobody presses it");
	mmio_write32(base + REG_IS, 0);
	mmio_write32(base + REG_IBE, 0);
	mmio_write32(base + REG_IEV, pin);
	mmio_write32(base + REG_IC, 0xFF);
	gic_set(dt_interrupt(node, 0), false, on_press);
	mmio_write32(base + REG_IE, pin);
	kprintf("waits for the power button\n");
	while (!status)
		cpu_wait();
	check(status == pin, "pressed");
	if (checks_failed())
		return 1;
	psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
	return 99;
}
