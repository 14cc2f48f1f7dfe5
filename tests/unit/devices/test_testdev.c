/* SPDX-License-Identifier: BSD-3-Clause */
/* What test images for QEMU's machines use: debug ports, test ports, pvpanic. */
#include "devices/pci/host.h"
#include "devices/pci/pci.h"
#include "devices/registry.h"
#include "devices/testdev/pvpanic.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define MEMORY 0xFF000000

static struct fixture fx;
static struct chardev chr[DEVICES_SERIAL_PORTS];

static void create(const struct devices_config *cfg)
{
	machine_fini(&fx.m);
	for (unsigned i = 0; i < DEVICES_SERIAL_PORTS; i++)
		chardev_init(&chr[i], -1);
	fixture_init(&fx, MACHINE_RAM_MIN);
	ck_assert_int_eq(devices_create(&fx.m, cfg), 0);
}

static void setup(void)
{
	const struct devices_config cfg = {.serial = {&chr[0], &chr[1]},
		.pvpanic = true,
		.debug_port = true,
		.test_ports = true,
		.pci = true};

	create(&cfg);
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

static bool answers(enum window_space space, uint64_t address)
{
	return machine_find_window(&fx.m, space, address) != NULL;
}

START_TEST(off_unless_asked_for)
{
	static const uint16_t ports[] = {
		0xE0, 0xE4, 0xE8, 0xE9, 0xF1, 0x402, 0x505, 0x510, 0x514, 0x2000};
	const struct devices_config cfg = {.serial = {&chr[0], &chr[1]}};

	create(&cfg);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		ck_assert(!answers(WINDOW_PORT, ports[i]));
	ck_assert(!answers(WINDOW_MMIO, MEMORY) && !answers(WINDOW_MMIO, 0xFED00000));
	ck_assert(answers(WINDOW_PORT, 0xF4));
}
END_TEST

START_TEST(debug_ports_share_the_serial_ports_output)
{
	static const char said[] = "abcd";
	const uint8_t *data;

	outb(&fx, 0xE9, 'a');
	outb(&fx, 0x3F8, 'b');
	outb(&fx, 0x402, 'c');
	outb(&fx, 0xF1, 'd');
	ck_assert_uint_eq(ring_peek(&chr[0].tx, &data), 4);
	ck_assert_mem_eq(data, said, 4);
	ck_assert_uint_eq(ring_used(&chr[1].tx), 0);
	ck_assert_uint_eq(inb(&fx, 0xE9), 0xE9);
	ck_assert_uint_eq(inb(&fx, 0x402), 0xE9);
}
END_TEST

START_TEST(debug_ports_without_a_reader)
{
	struct devices_config cfg = {.serial = {NULL, &chr[1]}, .debug_port = true};
	const uint8_t *data;

	/* What does not fit is lost, and counted; nobody waits. */
	for (unsigned i = 0; i < CHARDEV_TX_SIZE + 3; i++)
		outb(&fx, 0xE9, 'x');
	ck_assert_uint_eq(ring_used(&chr[0].tx), CHARDEV_TX_SIZE);
	ck_assert_uint_eq(atomic_load(&chr[0].dropped), 3);

	create(&cfg);
	outb(&fx, 0xE9, 'y'); /* the first serial port that there is */
	ck_assert_uint_eq(ring_peek(&chr[1].tx, &data), 1);
	cfg.serial[1] = NULL;
	create(&cfg);
	outb(&fx, 0x402, 'z');
	ck_assert_uint_eq(inb(&fx, 0x402), 0xE9);
}
END_TEST

START_TEST(echo)
{
	ck_assert_uint_eq(fixture_in(&fx, 0xE0, 4), 0);
	fixture_out(&fx, 0xE0, 4, 0x12345678);
	ck_assert_uint_eq(fixture_in(&fx, 0xE0, 4), 0x12345678);
	ck_assert_uint_eq(fixture_in(&fx, 0xE1, 2), 0x3456);
	fixture_out(&fx, 0xE2, 1, 0xFF);
	fixture_out(&fx, 0xE0, 2, 0xABCD);
	ck_assert_uint_eq(fixture_in(&fx, 0xE0, 4), 0x12FFABCD);
	ck_assert_uint_eq(inb(&fx, 0xE8), 0xCD);
	outb(&fx, 0xE8, 0x11);
	ck_assert_uint_eq(fixture_in(&fx, 0xE0, 4), 0x12FFAB11);
}
END_TEST

START_TEST(flush)
{
	memset(fx.tables, 0x5A, sizeof(fx.tables));
	fixture_out(&fx, 0xE4, 4, 0xFFFFF000); /* no page there */
	fixture_out(&fx, 0xE4, 1, 0xF0);
	fixture_out(&fx, 0xE4, 2, 0xF0F0);
	ck_assert_uint_eq(fixture_in(&fx, 0xE4, 4), 0xFFFFFFFF);
	ck_assert_uint_eq(fx.tables[0], 0x5A);
}
END_TEST

START_TEST(lines)
{
	for (uint16_t line = 0; line < 24; line++) {
		outb(&fx, 0x2000 + line, 0x80);
		ck_assert(fx.line[line]);
		outb(&fx, 0x2000 + line, 1); /* the same level again */
		ck_assert_uint_eq(fx.edges[line], 1);
		fixture_out(&fx, 0x2000 + (line & 0x16), 2, 0); /* no access of one byte */
		ck_assert(fx.line[line]);
		outb(&fx, 0x2000 + line, 0);
		ck_assert(!fx.line[line]);
	}
	ck_assert_uint_eq(inb(&fx, 0x2000), 0xFF);
	ck_assert(!answers(WINDOW_PORT, 0x2018));
}
END_TEST

START_TEST(memory)
{
	ck_assert_uint_eq(fixture_load(&fx, MEMORY, 8), 0);
	fixture_store(&fx, MEMORY, 8, 0x1122334455667788);
	ck_assert_uint_eq(fixture_load(&fx, MEMORY + 1, 4), 0x44556677);
	fixture_store(&fx, MEMORY + 7, 2, 0xCAFE);
	ck_assert_uint_eq(fixture_load(&fx, MEMORY, 8), 0xFE22334455667788);
	fixture_store(&fx, MEMORY + 0xFFFF, 1, 0x42);
	ck_assert_uint_eq(fixture_load(&fx, MEMORY + 0xFFF8, 8), (uint64_t)0x42 << 56);
	ck_assert(!answers(WINDOW_MMIO, MEMORY + 0x10000));
}
END_TEST

static void expect_panic(const char *how)
{
	ck_assert_uint_eq(fx.ends, 1);
	ck_assert_int_eq(fx.kind, END_PANIC);
	ck_assert_str_eq(fx.how, how);
	fx.ends = 0;
}

START_TEST(pvpanic_port)
{
	ck_assert_uint_eq(inb(&fx, 0x505), 3);
	outb(&fx, 0x505, 0);
	outb(&fx, 0x505, 0xFC);
	ck_assert_uint_eq(fx.ends, 0);
	outb(&fx, 0x505, 1);
	expect_panic("guest panicked (pvpanic)");
	outb(&fx, 0x505, 2);
	expect_panic("guest crashed into its crash kernel (pvpanic)");
	outb(&fx, 0x505, 3);
	expect_panic("guest panicked (pvpanic)");
}
END_TEST

static uint32_t config_read(unsigned slot, unsigned offset)
{
	fixture_out(&fx, X86_PORT_PCI_ADDR, 4, 0x80000000 | slot << 11 | offset);
	return (uint32_t)fixture_in(&fx, X86_PORT_PCI_DATA, 4);
}

START_TEST(pvpanic_function)
{
	gpa_t bar;

	ck_assert_int_eq(pvpanic_pci_create(&fx.m), 0);
	ck_assert_uint_eq(config_read(1, 0), 0x00111B36);
	ck_assert_uint_eq(config_read(1, 8), 0x08800001);
	ck_assert_uint_eq(config_read(1, 0x2C), 0x11001AF4);
	bar = config_read(1, 0x10) & ~0xFu;
	ck_assert_uint_ge(bar, X86_PCI_MEM32_BASE);
	config_read(1, 4);
	fixture_out(&fx, X86_PORT_PCI_DATA, 2, 2); /* memory on */
	ck_assert_uint_eq(fixture_load(&fx, bar, 1), 3);
	ck_assert_uint_eq(fixture_load(&fx, bar + 1, 1), 0);
	fixture_store(&fx, bar + 1, 1, 1);
	ck_assert_uint_eq(fx.ends, 0);
	fixture_store(&fx, bar, 1, 1);
	expect_panic("guest panicked (pvpanic)");
	/* Without a host bridge there is no place for it. */
	create(&(struct devices_config){.serial = {&chr[0]}});
	ck_assert_int_eq(pvpanic_pci_create(&fx.m), -ENODEV);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/testdev");
	TCase *t = tcase_create("testdev");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, off_unless_asked_for);
	tcase_add_test(t, debug_ports_share_the_serial_ports_output);
	tcase_add_test(t, debug_ports_without_a_reader);
	tcase_add_test(t, echo);
	tcase_add_test(t, flush);
	tcase_add_test(t, lines);
	tcase_add_test(t, memory);
	tcase_add_test(t, pvpanic_port);
	tcase_add_test(t, pvpanic_function);
	suite_add_tcase(s, t);
	return s;
}
