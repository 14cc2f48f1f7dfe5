/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A testdev machine as test images for QEMU's PC use it (machine: testdev): test ports, debug
 * ports, fw_cfg, HPET, MP tables, pvpanic. how=panic, how=crash: tells of it, which ends the
 * partition; how=port: ends by what is behind COM2. initrd=: what fw_cfg must say.
 */
#include "../check.h"
#include "x86.h"

#define PORT_TEST     0xE0
#define PORT_FLUSH    0xE4
#define PORT_DEBUG    0xE9
#define PORT_CHAR     0xF1
#define PORT_DEBUG2   0x402
#define PORT_PVPANIC  0x505
#define PORT_SELECTOR 0x510
#define PORT_DATA     0x511
#define PORT_DMA      0x514
#define PORT_LINES    0x2000
#define TEST_MEMORY   0xFF000000
#define HPET          0xFED00000

#define LIMIT (500 * NS_PER_MS)

static volatile unsigned interrupts;

static void interrupt(void)
{
	interrupts = interrupts + 1;
}

static void nothing(void)
{
}

/* Waits for the N-th interrupt; the timer ends the wait when none comes. */
static bool wait_interrupts(unsigned n)
{
	uint64_t start = time_ns();

	while (interrupts < n && time_ns() - start < LIMIT) {
		timer_once(10 * NS_PER_MS, nothing);
		cpu_wait();
	}
	timer_stop();
	return interrupts >= n;
}

/* ---- ports and memory ---- */

static uint8_t page[4096] __attribute__((aligned(4096)));

static void check_ports(void)
{
	outl(PORT_TEST, 0x12345678);
	outb(PORT_TEST + 1, 0xAB);
	check(inl(PORT_TEST) == 0x1234AB78 && inw(PORT_TEST + 2) == 0x1234, "the echo port");
	memset(page, 0x5A, sizeof(page));
	outl(PORT_FLUSH, (uint32_t)(uintptr_t)page);
	check(page[0] == 0x5A && page[4095] == 0x5A, "a flushed page keeps its contents");
	mmio_write32(TEST_MEMORY + 0xFFFC, 0xCAFEF00D);
	check(mmio_read32(TEST_MEMORY + 0xFFFC) == 0xCAFEF00D, "memory at 0xFF000000");
	interrupts = 0;
	gsi_set(11, interrupt);
	for (unsigned i = 1; i <= 3; i++) {
		outb(PORT_LINES + 11, 1);
		outb(PORT_LINES + 11, 0);
		wait_interrupts(i);
	}
	check(interrupts == 3, "line 11: %u interrupts", interrupts);
	gsi_set(11, NULL);
}

static void put(uint16_t port, const char *text)
{
	for (; *text; text++)
		outb(port, (uint8_t)*text);
}

static void check_debug_ports(void)
{
	check(inb(PORT_DEBUG) == 0xE9, "port 0xE9 says that it is there");
	put(PORT_DEBUG, "this is port 0xE9\n");
	put(PORT_DEBUG2, "this is port 0x402\n");
	put(PORT_CHAR, "this is port 0xF1\n");
}

/* ---- fw_cfg ---- */

static uint64_t fw_number(uint16_t key, unsigned size)
{
	uint64_t value = 0;

	outw(PORT_SELECTOR, key);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)inb(PORT_DATA) << (8 * i);
	return value;
}

static void check_fw_cfg(void)
{
	static volatile struct {
		uint32_t control, length;
		uint64_t address;
	} __attribute__((packed)) request;
	static char buffer[256];
	const char *line = strstr(cmdline(), "cpus=");
	uint64_t ram = 0;
	struct memory_range r;

	check(fw_number(0, 4) == 0x554D4551, "fw_cfg's signature");
	check(fw_number(1, 4) == 3, "its revision, with DMA");
	check(fw_number(5, 2) == cpu_count(), "%u CPUs", (unsigned)fw_number(5, 2));
	for (unsigned i = 0; memory_map(i, &r); i++)
		ram = r.type == MEMORY_RAM && r.base + r.size > ram ? r.base + r.size : ram;
	check(fw_number(3, 8) == ram, "%lu bytes of memory", fw_number(3, 8));
	check(fw_number(0x0B, 4) == cmdline_number("initrd", 0), "an initrd of %u bytes",
		(unsigned)fw_number(0x0B, 4));
	check(fw_number(8, 4) > 4096, "a kernel of %u bytes", (unsigned)fw_number(8, 4));
	/* The command line, by DMA. */
	request.control = __builtin_bswap32(0x15u << 16 | 0xA);
	request.length = __builtin_bswap32(sizeof(buffer) - 1);
	request.address = __builtin_bswap64((uintptr_t)buffer);
	outl(PORT_DMA, 0);
	outl(PORT_DMA + 4, __builtin_bswap32((uint32_t)(uintptr_t)&request));
	check(request.control == 0, "a DMA request is done");
	check(line && !strcmp(buffer, strstr(cmdline(), "how=")), "the command line: %s", buffer);
}

/* ---- HPET ---- */

static uint64_t hpet_read(unsigned reg)
{
	return (uint64_t)mmio_read32(HPET + reg + 4) << 32 | mmio_read32(HPET + reg);
}

static void hpet_write(unsigned reg, uint32_t value)
{
	mmio_write32(HPET + reg, value);
}

static void check_hpet(void)
{
	const struct acpi_header *table = acpi_find("HPET");
	uint64_t t0, c0, ns, ticks;

	check(table && !acpi_sum(table, table->length), "there is an HPET table");
	check(hpet_read(0) == 0x009896808086A201, "the HPET's capabilities");
	hpet_write(0x10, 3); /* on, and lines 0 and 8 are its */
	c0 = hpet_read(0xF0);
	t0 = time_ns();
	delay_ns(20 * NS_PER_MS);
	ticks = hpet_read(0xF0) - c0;
	ns = time_ns() - t0;
	check(ticks * 10 > ns * 9 / 10 && ticks * 10 < ns * 11 / 10 + NS_PER_MS,
		"it counts %lu times 10 ns in %lu ns", ticks, ns);

	/* Timer 0, periodic, 2 ms, in place of the interval timer. */
	interrupts = 0;
	gsi_set(2, interrupt);
	c0 = hpet_read(0xF0);
	t0 = time_ns();
	hpet_write(0x100, 0x14C);
	hpet_write(0x108, (uint32_t)c0 + 200000);
	hpet_write(0x108, 200000);
	wait_interrupts(10);
	ns = time_ns() - t0;
	check(interrupts >= 10 && ns > 15 * NS_PER_MS, "%u periods of 2 ms in %lu us", interrupts,
		ns / 1000);
	hpet_write(0x100, 0);
	gsi_set(2, NULL);

	/* Timer 2, once, on its own line. */
	interrupts = 0;
	gsi_set(14, interrupt);
	hpet_write(0x140, 0x104 | 14 << 9);
	hpet_write(0x148, (uint32_t)hpet_read(0xF0) + 100000);
	check(wait_interrupts(1), "timer 2 interrupts by line 14");
	hpet_write(0x140, 0);
	gsi_set(14, NULL);
	hpet_write(0x10, 0);
}

/* ---- MP tables ---- */

static void check_mp(void)
{
	const uint8_t *pointer = NULL, *table, *entry;
	unsigned cpus = 0;
	uint16_t length, count;

	for (uintptr_t at = 0xF0000; at < 0x100000 && !pointer; at += 16) {
		if (!memcmp((const void *)at, "_MP_", 4) && !acpi_sum((const void *)at, 16))
			pointer = (const uint8_t *)at;
	}
	check(pointer != NULL, "there is an MP floating pointer");
	if (!pointer)
		return;
	table = (const uint8_t *)(uintptr_t)(*(const uint32_t *)(pointer + 4));
	memcpy(&length, table + 4, 2);
	memcpy(&count, table + 34, 2);
	check(!memcmp(table, "PCMP", 4) && !acpi_sum(table, length), "its table's sum holds");
	for (entry = table + 44; count; count--) {
		cpus += *entry == 0;
		entry += *entry == 0 ? 20 : 8;
	}
	check(cpus == cpu_count() && entry == table + length, "it lists %u CPUs", cpus);
}

int guest_main(void)
{
	char how[16] = "";

	cmdline_get("how", how, sizeof(how));
	check(inb(PORT_PVPANIC) == 3, "pvpanic takes panics and crashes");
	if (!strcmp(how, "panic"))
		outb(PORT_PVPANIC, 1);
	if (!strcmp(how, "crash"))
		outb(PORT_PVPANIC, 2);
	if (!strcmp(how, "port")) {
		put(PORT_COM2, "5q");
		delay_ns(NS_PER_S); /* the ending may reach this CPU late */
	}
	if (!strcmp(how, "port")) {
		put(PORT_COM2, "5q");
		delay_ns(NS_PER_S); /* the ending may reach this CPU late */
	}
	check_ports();
	check_debug_ports();
	check_fw_cfg();
	check_hpet();
	check_mp();
	return checks_failed();
}
