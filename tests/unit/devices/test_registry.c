/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine as a whole, and its devices that are only a port or two. */
#include "devices/power_button.h"
#include "devices/registry.h"
#include "lib/util.h"
#include "tests/unit/devices/fixture.h"
#include "tests/unit/unit.h"
#include "vmm/device.h"

#include <errno.h>

static struct fixture fx;
static struct chardev chr[DEVICES_SERIAL_PORTS];

static void setup(void)
{
	const struct devices_config cfg = {.serial = {&chr[0], &chr[1]}};

	for (unsigned i = 0; i < DEVICES_SERIAL_PORTS; i++)
		chardev_init(&chr[i], -1);
	fixture_init(&fx, MACHINE_RAM_MIN);
	ck_assert_int_eq(devices_create(&fx.m, &cfg), 0);
}

static void teardown(void)
{
	machine_fini(&fx.m);
}

static void expect_end(enum end_kind kind, uint32_t code, const char *how)
{
	ck_assert_uint_eq(fx.ends, 1);
	ck_assert_int_eq(fx.kind, kind);
	ck_assert_uint_eq(fx.code, code);
	ck_assert_str_eq(fx.how, how);
	fx.ends = 0;
}

START_TEST(two_serial_ports)
{
	const uint8_t *data;

	outb(&fx, 0x3F8, '1');
	outb(&fx, 0x2F8, '2');
	for (unsigned i = 0; i < DEVICES_SERIAL_PORTS; i++) {
		ck_assert_uint_eq(ring_peek(&chr[i].tx, &data), 1);
		ck_assert_uint_eq(data[0], '1' + i);
	}
	outb(&fx, 0x3F8 + 4, 0x08);
	outb(&fx, 0x3F8 + 1, 0x02);
	ck_assert(fx.line[4] && !fx.line[3]);
	outb(&fx, 0x2F8 + 4, 0x08);
	outb(&fx, 0x2F8 + 1, 0x02);
	ck_assert(fx.line[4] && fx.line[3]);
}
END_TEST

START_TEST(absent_serial_port)
{
	const struct devices_config cfg = {.serial = {NULL, &chr[1]}};
	uint64_t value;

	machine_fini(&fx.m);
	fixture_init(&fx, MACHINE_RAM_MIN);
	ck_assert_int_eq(devices_create(&fx.m, &cfg), 0);
	ck_assert(!machine_read(&fx.m, WINDOW_PORT, 0x3F8 + 5, 1, &value));
	ck_assert_uint_eq(value, 0xFF);
	ck_assert_uint_eq(inb(&fx, 0x2F8 + 5), 0x60);
}
END_TEST

/* QEMU's `virt` board, as far as it goes, and the control page. */
START_TEST(arm64_machine)
{
	static const struct {
		const char *name;
		gpa_t base;
		uint32_t spi; /* 0: none */
	} devices[] = {
		{"UART0", 0x09000000, 1},
		{"UART1", 0x09040000, 8},
		{"RTC", 0x09010000, 2},
		{"BKHD", 0x09FE0000, 0},
		{"GPIO", 0x09030000, 7},
	};
	const struct devices_config cfg = {.serial = {&chr[0], &chr[1]}};
	const uint8_t *data;

	machine_fini(&fx.m);
	fixture_init_arm64(&fx);
	ck_assert_int_eq(devices_create(&fx.m, &cfg), 0);
	ck_assert_uint_eq(fx.m.device_count, ARRAY_SIZE(devices));
	for (unsigned i = 0; i < ARRAY_SIZE(devices); i++) {
		const struct device *dev = fx.m.devices[i];
		const struct machine_window *w =
			machine_find_window(&fx.m, WINDOW_MMIO, devices[i].base);
		bool has_irq = !devices[i].spi;

		ck_assert_str_eq(dev->name, devices[i].name);
		ck_assert_ptr_nonnull(dev->cls->fdt_compatible);
		ck_assert(w && w->dev == dev && w->size == 4096);
		for (unsigned k = 0; k < fx.m.irq_count; k++)
			has_irq |= fx.m.irqs[k].dev == dev && fx.m.irqs[k].gsi == devices[i].spi &&
				   fx.m.irqs[k].level;
		ck_assert(has_irq);
	}
	for (unsigned i = 0; i < DEVICES_SERIAL_PORTS; i++) {
		fixture_store(&fx, devices[i].base, 1, '1' + i);
		ck_assert_uint_eq(ring_peek(&chr[i].tx, &data), 1);
		ck_assert_uint_eq(data[0], '1' + i);
	}
	ck_assert(power_button_press(&fx.m));
	ck_assert_int_eq(devices_create(&fx.m, &cfg), -EEXIST);
}
END_TEST

START_TEST(created_twice)
{
	const struct devices_config cfg = {0};

	ck_assert_int_eq(devices_create(&fx.m, &cfg), -EEXIST);
}
END_TEST

START_TEST(i8042_reset)
{
	ck_assert_uint_eq(inb(&fx, 0x64), 0x10);
	outb(&fx, 0x64, 0xFF); /* pulses nothing */
	outb(&fx, 0x64, 0xFD);
	ck_assert_uint_eq(fx.ends, 0);
	outb(&fx, 0x64, 0xFE);
	expect_end(END_RESET, 0, "i8042 reset");
	outb(&fx, 0x64, 0xD1); /* the same through the output port */
	outb(&fx, 0x60, 0x03);
	ck_assert_uint_eq(fx.ends, 0);
	outb(&fx, 0x64, 0xD1);
	outb(&fx, 0x60, 0x02);
	expect_end(END_RESET, 0, "i8042 reset");
	outb(&fx, 0x60, 0xFE); /* a byte to a keyboard that is not there */
	ck_assert_uint_eq(fx.ends, 0);
}
END_TEST

START_TEST(i8042_commands)
{
	static const struct {
		uint8_t command, answer;
	} cases[] = {{0xAA, 0x55}, {0xD0, 0x03}, {0xC0, 0x80}, {0xAB, 0x01}, {0xA9, 0x01}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		outb(&fx, 0x64, cases[i].command);
		ck_assert_uint_eq(
			inb(&fx, 0x64) & 0x0B, 0x09); /* output full, command, input free */
		ck_assert_uint_eq(inb(&fx, 0x60), cases[i].answer);
		ck_assert_uint_eq(inb(&fx, 0x64) & 0x01, 0);
	}
	ck_assert_uint_eq(inb(&fx, 0x64) & 0x04, 0x04); /* self test passed */
	outb(&fx, 0x64, 0x60);
	outb(&fx, 0x60, 0x47);
	outb(&fx, 0x64, 0x20);
	ck_assert_uint_eq(inb(&fx, 0x60), 0x47);
	outb(&fx, 0x64, 0xAE); /* commands without an answer */
	outb(&fx, 0x64, 0xD4);
	outb(&fx, 0x60, 0xFF);
	ck_assert_uint_eq(inb(&fx, 0x64) & 0x01, 0);
}
END_TEST

START_TEST(reset_port)
{
	outb(&fx, 0xCF9, 0x02);
	ck_assert_uint_eq(fx.ends, 0);
	ck_assert_uint_eq(inb(&fx, 0xCF9), 0x02);
	outb(&fx, 0xCF9, 0x06);
	expect_end(END_RESET, 0, "reset port 0xCF9");
	outb(&fx, 0xCF9, 0x0E); /* no rising edge */
	ck_assert_uint_eq(fx.ends, 0);
	ck_assert_uint_eq(inb(&fx, 0xCF9), 0x0E);
	outb(&fx, 0xCF9, 0xF1);
	ck_assert_uint_eq(inb(&fx, 0xCF9), 0x00);
	outb(&fx, 0xCF9, 0x0E);
	expect_end(END_RESET, 0, "reset port 0xCF9");
}
END_TEST

/* mov dx, 0xCF9; mov al, 0x0E; out dx, al; hlt; jmp -3 */
START_TEST(reset_vector)
{
	static const uint8_t code[] = {0xBA, 0xF9, 0x0C, 0xB0, 0x0E, 0xEE, 0xF4, 0xEB, 0xFD};
	uint8_t found[sizeof(code)];

	ck_assert_int_eq(gmem_read(&fx.m.gmem, 0xFFFF0, found, sizeof(found)), 0);
	ck_assert_mem_eq(found, code, sizeof(code));
	ck_assert_int_eq(machine_claim(&fx.m, 0xFFFF0, 1, "x", NULL), -EEXIST);
}
END_TEST

START_TEST(bios_data_and_vectors)
{
	static const uint8_t vector[] = {0x53, 0xFF, 0x00, 0xF0}; /* F000:FF53 */
	static const uint8_t base_memory[] = {0x80, 0x02};        /* 640 KiB */

	ck_assert_mem_eq(fx.low, vector, 4);
	ck_assert_mem_eq(fx.low + 0xFF * 4, vector, 4);
	ck_assert_mem_eq(fx.low + 0x413, base_memory, 2);
	ck_assert_uint_eq(*(uint8_t *)gmem_slice(&fx.m.gmem, 0xFFF53, 1), 0xCF);
	for (unsigned at = 0x400; at < 0x500; at++)
		ck_assert_msg(fx.low[at] == 0 || at == 0x413 || at == 0x414, "%#x", at);
}
END_TEST

START_TEST(no_memory_for_the_bios)
{
	const struct devices_config cfg = {0};

	machine_fini(&fx.m);
	fixture_init(&fx, MACHINE_RAM_MIN);
	fx.m.gmem.count = 0;
	ck_assert_int_eq(devices_create(&fx.m, &cfg), -EFAULT);
}
END_TEST

/* PCI's address register is a dword at 0xCF8: it must not be taken for the reset register. */
START_TEST(reset_port_is_one_byte)
{
	static const unsigned sizes[] = {2, 4, 8};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ck_assert(!machine_write(&fx.m, WINDOW_PORT, 0xCF8, sizes[i], UINT64_MAX));
		ck_assert(!machine_write(&fx.m, WINDOW_PORT, 0xCF9, sizes[i], UINT64_MAX));
	}
	ck_assert_uint_eq(fx.ends, 0);
}
END_TEST

START_TEST(sleep_registers)
{
	outb(&fx, 0x400, 5 << 2); /* SLP_TYP without SLP_EN */
	ck_assert_uint_eq(fx.ends, 0);
	ck_assert_uint_eq(inb(&fx, 0x400), 5 << 2);
	ck_assert_uint_eq(inb(&fx, 0x401), 0);
	for (unsigned type = 0; type < 8; type++) {
		outb(&fx, 0x400, (uint8_t)(type << 2 | 0x20));
		ck_assert_uint_eq(fx.ends, type == 5);
		ck_assert_uint_eq(inb(&fx, 0x400), type << 2);
		if (type == 5)
			expect_end(END_POWER_OFF, 0, "ACPI sleep register");
		ck_assert_uint_eq(inb(&fx, 0x401), type == 5 ? 0 : 0x80);
		outb(&fx, 0x401, 0x7F);
		ck_assert_uint_eq(inb(&fx, 0x401), type == 5 ? 0 : 0x80);
		outb(&fx, 0x401, 0x80);
		ck_assert_uint_eq(inb(&fx, 0x401), 0);
	}
	fixture_out(&fx, 0x400, 2, 0x8034);
	expect_end(END_POWER_OFF, 0, "ACPI sleep register");
	ck_assert_uint_eq(fixture_in(&fx, 0x400, 2), 0x0014);
}
END_TEST

START_TEST(exit_port)
{
	ck_assert_uint_eq(fixture_in(&fx, 0xF4, 4), 0);
	outb(&fx, 0xF4, 0x42);
	expect_end(END_EXIT_CODE, 0x42, "exit port 0xF4");
	fixture_out(&fx, 0xF4, 2, 0x1234);
	expect_end(END_EXIT_CODE, 0x1234, "exit port 0xF4");
	fixture_out(&fx, 0xF4, 4, 0xDEADBEEF);
	expect_end(END_EXIT_CODE, 0xDEADBEEF, "exit port 0xF4");
	ck_assert(!machine_write(&fx.m, WINDOW_PORT, 0xF5, 4, 1));
	ck_assert(!machine_write(&fx.m, WINDOW_PORT, 0xF4, 8, 1));
	ck_assert_uint_eq(fx.ends, 0);
}
END_TEST

START_TEST(post_port)
{
	ck_assert_uint_eq(inb(&fx, 0x80), 0);
	outb(&fx, 0x80, 0xA5);
	ck_assert_uint_eq(inb(&fx, 0x80), 0xA5);
}
END_TEST

/* Every port, every size, all-ones and zero: nothing breaks, and only a guest that asks ends. */
START_TEST(hostile_accesses)
{
	static const unsigned sizes[] = {1, 2, 4, 8};
	uint64_t value;

	for (unsigned port = 0; port < 0x10000; port++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			machine_write(&fx.m, WINDOW_PORT, port, sizes[i], UINT64_MAX);
			machine_read(&fx.m, WINDOW_PORT, port, sizes[i], &value);
			if (sizes[i] < 8)
				ck_assert_uint_eq(value >> 8 * sizes[i], 0);
			machine_write(&fx.m, WINDOW_PORT, port, sizes[i], 0);
		}
	}
	machine_read(&fx.m, WINDOW_PORT, UINT64_MAX, 8, &value);
	machine_read(&fx.m, WINDOW_MMIO, 0x3F8, 8, &value);
	ck_assert_uint_eq(value, UINT64_MAX);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devices/registry");
	TCase *t = tcase_create("registry");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, two_serial_ports);
	tcase_add_test(t, absent_serial_port);
	tcase_add_test(t, arm64_machine);
	tcase_add_test(t, created_twice);
	tcase_add_test(t, i8042_reset);
	tcase_add_test(t, i8042_commands);
	tcase_add_test(t, reset_port);
	tcase_add_test(t, reset_vector);
	tcase_add_test(t, bios_data_and_vectors);
	tcase_add_test(t, no_memory_for_the_bios);
	tcase_add_test(t, reset_port_is_one_byte);
	tcase_add_test(t, sleep_registers);
	tcase_add_test(t, exit_port);
	tcase_add_test(t, post_port);
	tcase_add_test(t, hostile_accesses);
	suite_add_tcase(s, t);
	return s;
}
