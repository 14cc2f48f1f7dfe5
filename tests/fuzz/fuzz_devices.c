/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All devices of the machines, driven through machine_read, machine_write and machine_call by a
 * guest that does anything, while the I/O thread feeds and drains its serial ports, presses its
 * power button and lets its alarms come. Five bytes are one step: what to do, where, and a value.
 * Single-threaded and deterministic.
 */
#include "devices/pl031.h"
#include "devices/power_button.h"
#include "devices/registry.h"
#include "include/bulkhead/control.h"
#include "include/bulkhead/hypercall.h"
#include "lib/util.h"
#include "vmm/layout_arm64.h"
#include "vmm/layout_x86.h"

#include <assert.h>
#include <string.h>

#define STEP 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct machine m;
	struct timespec now;
	bool line[16];
	unsigned ends;
	time_t alarm;
};

static struct world w;
static struct chardev chr[DEVICES_SERIAL_PORTS];
static uint8_t low[4096];
static uint8_t tables[X86_FIRMWARE_END - X86_FIRMWARE_BASE];

static void irq_set(void *ctx, uint32_t gsi, bool asserted)
{
	static const uint32_t gsis[2][4] = {
		[GUEST_X86_64] = {X86_IRQ_COM1, X86_IRQ_COM2, X86_IRQ_POWER_BUTTON},
		[GUEST_ARM64] = {ARM64_SPI_UART0, ARM64_SPI_UART1, ARM64_SPI_RTC, ARM64_SPI_GPIO},
	};
	bool known = false;

	for (unsigned i = 0; i < ARRAY_SIZE(gsis[0]); i++)
		known |= gsi && gsi == gsis[w.m.arch][i];
	assert(ctx == &w && known);
	assert(w.line[gsi] != asserted);
	w.line[gsi] = asserted;
}

static void end(void *ctx, enum end_kind kind, uint32_t code, const char *how)
{
	assert(ctx == &w && kind <= END_EXIT_CODE && how);
	assert(kind == END_EXIT_CODE || !code);
	w.ends++;
}

static void log_text(void *ctx, const char *text, size_t size)
{
	uint8_t sum = 0;

	assert(ctx == &w && size && size <= BULKHEAD_LOG_MAX);
	while (size)
		sum ^= (uint8_t)text[--size];
	low[0] ^= sum & 1; /* each byte is there to be read */
}

static void set_alarm(void *ctx, time_t at)
{
	(void)ctx;
	assert(at > w.now.tv_sec);
	w.alarm = at;
}

static void now(void *ctx, struct timespec *ret_now)
{
	(void)ctx;
	*ret_now = w.now;
}

/* Half of the selectors hit a device for sure, the others anything near one. */
static uint16_t port_of(uint16_t selector)
{
	static const uint16_t bases[] = {0x3F8, 0x2F8, 0x70, 0x60, 0x64, 0xCF8, 0x400, 0xF4, 0x80,
		0x3F0, 0x5E, 0xFFF8, 0xB80, 0xB88, 0xB90, 0xB98, 0xBA0, 0xBA8};

	if (selector & 0x8000)
		return selector;
	return (uint16_t)(bases[(selector >> 3) % ARRAY_SIZE(bases)] + (selector & 7));
}

static void io_thread(unsigned what, unsigned port, uint8_t n)
{
	struct chardev *c = &chr[port];
	uint8_t input[256];
	const uint8_t *run;

	if (n == 0xFF && !machine_is_fusa(&w.m))
		assert(power_button_press(&w.m));
	if (n == 0xFE)
		power_button_release(&w.m);
	switch (what) {
	case 0:
		memset(input, n, sizeof(input));
		assert(c->front.receive(c->front.ctx, input, n) <= min_u64(n, 16));
		break;
	case 1:
		chardev_tx_drop(c, min_u64(n * 256, ring_peek(&c->tx, &run)));
		break;
	case 2:
		chardev_set_stalled(c, n & 1);
		break;
	case 3: /* output from nowhere, to fill the ring quickly */
		for (unsigned i = 0; i < n * 256u && ring_free(&c->tx); i++)
			ring_push(&c->tx, &n, 1);
		break;
	}
}

/* A write or a read of a guest's; what is read has no more bits than were asked for. */
static void access_as(
	bool write, enum window_space space, uint64_t address, unsigned bytes, uint64_t value)
{
	if (write) {
		machine_write(&w.m, space, address, bytes, value);
		return;
	}
	machine_read(&w.m, space, address, bytes, &value);
	assert(bytes == 8 || !(value >> 8 * bytes));
}

static void step(const uint8_t s[STEP])
{
	uint16_t port = port_of((uint16_t)(s[1] | s[2] << 8));
	unsigned bytes = 1u << ((s[0] >> 2) & 3);
	uint64_t value = (uint64_t)s[3] * 0x0101010101010100 + s[4];

	switch (s[0] & 3) {
	case 0:
	case 1:
		access_as(!(s[0] & 3), WINDOW_PORT, port, bytes, value);
		break;
	case 2:
		io_thread((s[0] >> 4) & 3, s[0] >> 7, s[4]);
		break;
	case 3:
		if (s[0] & 0x80) {
			/* The control page, by memory. */
			uint64_t reg = BULKHEAD_CONTROL_ADDRESS_X86 + (s[1] & 0x3F);

			access_as(true, WINDOW_MMIO, reg, bytes, value);
			access_as(false, WINDOW_MMIO, reg, bytes, value);
			break;
		}
		if (s[0] & 0x40) {
			/* A PCI configuration address of bus 0. */
			machine_write(&w.m, WINDOW_PORT, X86_PORT_PCI_ADDR, 4,
				0x80000000 | (unsigned)s[2] << 8 | s[1]);
			break;
		}
		w.now.tv_nsec = (w.now.tv_nsec + s[4] * 7812500L) % 1000000000;
		w.now.tv_sec += (s[1] | s[2] << 8 | s[3] << 16) - 0x400000;
		break;
	}
}

/* Most selectors hit a device of the arm64 machine, and most of those a register. */
static gpa_t address_of(uint16_t selector)
{
	static const gpa_t bases[] = {ARM64_UART0_BASE, ARM64_UART1_BASE, ARM64_RTC_BASE,
		ARM64_GPIO_BASE, ARM64_CONTROL_BASE, ARM64_GPIO_BASE + 0x400, ARM64_UART0_BASE - 8,
		ARM64_UART0_BASE + 0xFE0};
	unsigned offset = selector & 0x1000 ? selector & 0xFFF : selector & 0x7C;

	return bases[selector >> 13] + offset;
}

static void call(const uint8_t s[STEP])
{
	uint64_t args[MACHINE_CALL_ARGS] = {s[2] | (uint64_t)s[3] << 8, s[4]};
	uint64_t results[MACHINE_CALL_RESULTS];
	uint16_t function = (uint16_t)BULKHEAD_CALL64 + s[1] % 16;

	if (s[0] & 0x10)
		args[0] += ARM64_RAM_BASE;
	if (s[0] & 0x20)
		args[0] = ~args[0];
	if (s[0] & 0x40)
		args[1] <<= 2;
	assert(machine_call(&w.m, function, args, results));
	assert(s[1] % 16 <= BULKHEAD_CALL_LOCK || (uint32_t)results[0] == UINT32_MAX);
}

static void arm64_step(const uint8_t s[STEP])
{
	gpa_t address = address_of((uint16_t)(s[1] | s[2] << 8));
	unsigned bytes = 1u << ((s[0] >> 2) & 3);
	uint64_t value = (uint64_t)s[3] * 0x0101010101010100 + s[4];

	switch (s[0] & 3) {
	case 0:
	case 1:
		access_as(!(s[0] & 3), WINDOW_MMIO, address, bytes, value);
		break;
	case 2:
		io_thread((s[0] >> 4) & 3, s[0] >> 7, s[4]);
		break;
	case 3:
		if (s[0] & 0x80) {
			call(s);
			break;
		}
		w.now.tv_sec += (s[1] | s[2] << 8 | s[3] << 16) - 0x400000;
		if (s[4] & 1 && w.alarm > w.now.tv_sec)
			w.now.tv_sec = w.alarm;
		rtc_alarm(&w.m);
		break;
	}
}

static int machine_of(enum guest_arch arch, enum machine_contract contract)
{
	int ret = contract == MACHINE_STANDARD
			  ? machine_init(&w.m, arch, MACHINE_RAM_MIN, 1)
			  : machine_init_fusa(&w.m, contract, MACHINE_RAM_MIN, 1);

	if (ret)
		return ret;
	if (arch == GUEST_ARM64)
		return gmem_add(&w.m.gmem, ARM64_RAM_BASE, sizeof(low), low);
	ret = gmem_add(&w.m.gmem, 0, sizeof(low), low);
	return ret ? ret : gmem_add(&w.m.gmem, X86_FIRMWARE_BASE, sizeof(tables), tables);
}

static void drive(
	enum guest_arch arch, enum machine_contract contract, const uint8_t *data, size_t size)
{
	struct devices_config cfg = {.rtc = {.now = now, .alarm = set_alarm}, .debug = true};

	memset(&w, 0, sizeof(w));
	for (unsigned i = 0; i < DEVICES_SERIAL_PORTS; i++) {
		chardev_init(&chr[i], -1);
		cfg.serial[i] = &chr[i];
	}
	w.now.tv_sec = 1700000000;
	if (machine_of(arch, contract) || devices_create(&w.m, &cfg))
		abort();
	w.m.services = (struct machine_services){
		.ctx = &w, .irq_set = irq_set, .end = end, .log = log_text};
	for (; size >= STEP; data += STEP, size -= STEP) {
		if (arch == GUEST_ARM64)
			arm64_step(data);
		else
			step(data);
	}
	machine_fini(&w.m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	drive(GUEST_X86_64, MACHINE_STANDARD, data, size);
	drive(GUEST_X86_64, MACHINE_FUSA_NON_SAFETY, data, size);
	drive(GUEST_ARM64, MACHINE_STANDARD, data, size);
	return 0;
}
