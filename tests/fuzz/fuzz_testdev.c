/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The devices of a testdev machine (devices/testdev/), of both architectures, driven by a guest
 * that does anything. Twelve bytes are one step: what to do, where, and a value. Time passes
 * between steps; the I/O thread lets the HPET expire and drains the debug ports.
 */
#include "devices/testdev/chr_console.h"
#include "devices/testdev/debug_port.h"
#include "devices/testdev/fw_cfg.h"
#include "devices/testdev/hpet.h"
#include "devices/testdev/pvpanic.h"
#include "devices/testdev/test_ports.h"
#include "lib/util.h"
#include "vmm/layout_arm64.h"
#include "vmm/layout_x86.h"

#include <assert.h>
#include <string.h>

#define STEP     12
#define LINES    64
#define RAM_SIZE 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct machine m;
	uint64_t now;
	bool pit_off;
	unsigned edges;
} w;
static struct chardev chr;
static uint8_t ram[RAM_SIZE] __attribute__((aligned(4096)));

static void irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	assert(ctx == &w && gsi < LINES);
	w.edges += asserted;
}

static void pit_set(void *ctx, bool connected)
{
	assert(ctx == &w && w.pit_off == connected); /* told of changes alone */
	w.pit_off = !connected;
}

static void end(void *ctx, enum end_kind kind, uint32_t code, const char *how)
{
	assert(ctx == &w && how && (kind == END_EXIT_CODE || (kind == END_PANIC && !code)));
}

static uint64_t now(void *ctx)
{
	assert(ctx == &w);
	return w.now;
}

/* A write, and a read of the same place, which has no more bits than were asked for. */
static void access_both(enum window_space space, uint64_t address, unsigned bytes, uint64_t value)
{
	machine_write(&w.m, space, address, bytes, value);
	machine_read(&w.m, space, address, bytes, &value);
	assert(bytes == 8 || !(value >> 8 * bytes));
}

static void io_thread(uint16_t n)
{
	const uint8_t *run;
	size_t queued = ring_peek(&chr.tx, &run);

	chardev_tx_drop(&chr, min_u64(n, queued));
	chardev_set_stalled(&chr, n & 1);
	hpet_expired(&w.m);
}

/* No more than a guest can cause by itself: one interrupt a timer for each look at the clock. */
static void time_passes(uint64_t ns)
{
	unsigned before = w.edges;

	w.now += ns;
	hpet_expired(&w.m);
	assert(w.edges - before <= 3);
}

static void step(const uint8_t s[STEP])
{
	static const uint16_t ports[] = {X86_PORT_TEST, X86_PORT_TEST_FLUSH, X86_PORT_DEBUG,
		X86_PORT_TEST_CHAR, X86_PORT_DEBUG2, X86_PORT_PVPANIC, X86_PORT_FW_CFG,
		X86_PORT_FW_CFG_DMA, X86_PORT_TEST_IRQ, X86_PORT_TEST_IRQ + 16};
	unsigned bytes = 1u << (s[1] & 3);
	uint16_t at;
	uint64_t value;

	memcpy(&at, s + 2, sizeof(at));
	memcpy(&value, s + 4, sizeof(value));
	switch (s[0] % 8) {
	case 0:
	case 1:
		access_both(WINDOW_PORT, (uint64_t)ports[(at >> 3) % ARRAY_SIZE(ports)] + (at & 7),
			bytes, value);
		break;
	case 2:
	case 3: /* the HPET's registers, which are in its first 512 bytes */
		access_both(WINDOW_MMIO,
			X86_HPET_BASE + (s[1] & 0x80 ? at % X86_HPET_SIZE : at & 0x1FC), bytes,
			value);
		break;
	case 4:
		access_both(WINDOW_MMIO, X86_TEST_BASE + at, bytes, value);
		break;
	case 5:
		if (s[1] & 0x80)
			access_both(WINDOW_MMIO,
				ARM64_VIRTIO_BASE + ARM64_CHR_TESTDEV * 0x200 + (at & 0x7C), bytes,
				value);
		access_both(WINDOW_MMIO, ARM64_FW_CFG_BASE + (at & 0x1F), bytes, value);
		break;
	case 6: /* what a DMA request lies in */
		memcpy(ram + at % (RAM_SIZE - 8), s + 4, 8);
		break;
	case 7:
		if (s[1] & 1)
			io_thread(at);
		else
			time_passes(value >> (s[1] >> 2));
		break;
	}
}

static int create_x86(void)
{
	const struct hpet_config hpet = {.now = now, .ctx = &w};
	int ret = machine_init(&w.m, GUEST_X86_64, MACHINE_RAM_MIN, 2);

	if (!ret)
		ret = gmem_add(&w.m.gmem, 0, sizeof(ram), ram);
	if (!ret)
		ret = debug_port_create(&w.m, "DBG0", X86_PORT_DEBUG, &chr);
	if (!ret)
		ret = debug_port_create(&w.m, "DBG1", X86_PORT_DEBUG2, NULL);
	if (!ret)
		ret = test_ports_create(&w.m);
	if (!ret)
		ret = hpet_create(&w.m, &hpet);
	if (!ret)
		ret = pvpanic_port_create(&w.m);
	return ret ? ret : fw_cfg_create(&w.m);
}

static int create_arm64(void)
{
	int ret = machine_init(&w.m, GUEST_ARM64, MACHINE_RAM_MIN, 2);

	if (!ret)
		ret = gmem_add(&w.m.gmem, ARM64_RAM_BASE, sizeof(ram), ram);
	if (!ret)
		ret = chr_console_create(&w.m);
	return ret ? ret : fw_cfg_create(&w.m);
}

static void drive(bool arm64, const uint8_t *data, size_t size)
{
	const struct fw_cfg_boot boot = {.kernel = data,
		.kernel_size = size,
		.initrd = data,
		.initrd_size = size / 2,
		.cmdline = "a=b"};

	memset(&w, 0, sizeof(w));
	memset(ram, 0, sizeof(ram));
	chardev_init(&chr, -1);
	if ((arm64 ? create_arm64() : create_x86()) || fw_cfg_add_boot(&w.m, &boot))
		abort();
	w.m.services = (struct machine_services){
		.ctx = &w, .irq_set = irq_set, .pit_set = pit_set, .end = end};
	for (; size >= STEP; data += STEP, size -= STEP)
		step(data);
	machine_fini(&w.m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	drive(false, data, size);
	drive(true, data, size);
	return 0;
}
